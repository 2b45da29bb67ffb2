"""Methods by name."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mla_core.errors import ConfigError, one_of

if TYPE_CHECKING:
    from mla_core.methods.base import Method

# name -> (module, class, what it is); adding a method means one file and one line here.
METHODS: dict[str, tuple[str, str, str]] = {
    "mla": (
        "mla_core.methods.alternating",
        "Alternating",
        "one modality per sub-step, one shared head, head gradient modification (MLA, CVPR 2024)",
    ),
    "ensemble": (
        "mla_core.methods.ensemble",
        "Ensemble",
        "separately trained networks, fused: MLA's compute without a shared head",
    ),
    "unimodal": (
        "mla_core.methods.unimodal",
        "Unimodal",
        'one modality alone, chosen with modalities=["audio"]',
    ),
    "concat": (
        "mla_core.methods.concat",
        "Concat",
        "joint training on concatenated features, the baseline that shows modality laziness",
    ),
    "sum": (
        "mla_core.methods.sum",
        "Sum",
        "joint training on summed features, through one shared head",
    ),
    "late_fusion": (
        "mla_core.methods.late_fusion",
        "LateFusion",
        "a head and a loss per modality, the mean of logits",
    ),
    "film": (
        "mla_core.methods.film",
        "Film",
        "the last modality's features, scaled and shifted by the others (Perez et al., AAAI 2018)",
    ),
    "bigated": (
        "mla_core.methods.bigated",
        "BiGated",
        "the last modality's features, gated by the others (Kiela et al., AAAI 2018)",
    ),
    "ogm_ge": (
        "mla_core.methods.ogm_ge",
        "OgmGe",
        "concat with the leading modality's gradient slowed (Peng et al., CVPR 2022)",
    ),
    "qmf": (
        "mla_core.methods.qmf",
        "Qmf",
        "late fusion with confidences that track each modality's loss (Zhang et al., ICML 2023)",
    ),
}


def method_class(name: str) -> type[Method]:
    """Return the class of the method called `name`."""
    one_of("method", name, METHODS)
    module, cls, _ = METHODS[name]
    found: type[Method] = getattr(importlib.import_module(module), cls)
    return found


def idle_settings(name: str) -> frozenset[str]:
    """Return the settings that other methods obey, but the method called `name` does not.

    Examples
    --------
    >>> sorted(idle_settings("ensemble"))
    ['alpha', 'alpha_schedule', 'head_gradient', 'projection', 'reset']
    """
    known = frozenset[str]().union(*(method_class(method).uses for method in METHODS))
    return known - method_class(name).uses


def check_method_options(name: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options, a whole number where a real one is meant made real.

    Raises
    ------
    ConfigError
        When the method has no option of that name, or not of that kind.
    """
    known = method_class(name).options
    for option, value in options.items():
        if option not in known:
            allowed = f"choose among {list(known)}" if known else "it has none"
            msg = f"method {name!r} has no option {option!r}: {allowed}"
            raise ConfigError(msg)
        default = known[option]
        wanted = (int, float) if isinstance(default, float) else type(default)
        if not isinstance(value, wanted) or isinstance(value, bool) != isinstance(default, bool):
            msg = f"option {option!r} of {name!r} must be like {default!r}, not {value!r}"
            raise ConfigError(msg)
        if not isinstance(value, str | bool) and value < 0:
            msg = f"option {option!r} of {name!r} must be at least 0, not {value!r}"
            raise ConfigError(msg)
    if "absent" in options:
        one_of(f"option 'absent' of method {name!r}", options["absent"], ("left_out", "zeros"))
    return {k: float(v) if isinstance(known[k], float) else v for k, v in options.items()}
