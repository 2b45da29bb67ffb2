"""The shared head: what happens to its gradient, and what it forgets."""

from mla_core.head.audit import batch_dependence, leftover, rounding_spread, weights_in_batches
from mla_core.head.geometry import degrees, share_seen, spectrum
from mla_core.head.gradient import (
    ALPHA_SCHEDULES,
    VARIANTS,
    HeadGradientModification,
    alpha_at,
    rounding_note,
)
from mla_core.head.probe import HeadProbe
from mla_core.head.variants import Variant

__all__ = [
    "ALPHA_SCHEDULES",
    "VARIANTS",
    "HeadGradientModification",
    "HeadProbe",
    "Variant",
    "alpha_at",
    "batch_dependence",
    "degrees",
    "leftover",
    "rounding_note",
    "rounding_spread",
    "share_seen",
    "spectrum",
    "weights_in_batches",
]
