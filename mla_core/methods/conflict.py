"""Gradient conflict: whether the joint loss moves an encoder where its own loss wants it to go."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from mla_core.data.samples import Split
from mla_core.language import later
from mla_core.methods.balance import cross_entropies, gradients_of
from mla_core.methods.instruments import Instrument, Sight

MOST_SAMPLES = 256


def encoder_cosines(method: Any, split: Split, most: int = MOST_SAMPLES) -> Tensor:
    """Return the cosine (M,) of each encoder's joint and unimodal gradients, see `gradient_conflict`.

    Parameters
    ----------
    method : Joint
        It stays as it is.
    split : Split
    most : int
        So many samples, the first that have some part.
    """
    chosen = split.present.any(0).nonzero().flatten()[:most]
    labels, encoders = split.labels[chosen], method.model.encoders.values()
    with method.model.evaluating():
        z, present = encoded(method, split, chosen)
        joint = F.cross_entropy(method.fused_logits(z, present), labels)
        own = cross_entropies(method.modality_logits(z, present), labels, present)
        pairs = zip(encoders, own, strict=True)
        found = [_cosine(torch.stack([joint, loss]), encoder) for encoder, loss in pairs]
    return torch.tensor(found, dtype=torch.float64)


def encoded(
    method: Any, split: Split, chosen: Tensor, only: int | None = None
) -> tuple[Tensor, Tensor]:
    """Return features (M, B, s) of some samples (B,), 0 where not counted, and what is (M, B).

    With `only`, nothing but the modality of that number is encoded and counts.
    """
    present = method.counted(split.present[:, chosen])
    if only is not None:
        present = present & (torch.arange(len(present)) == only)[:, None]
    none = torch.zeros(len(chosen), method.feature_size)
    # Not by calling the model: whoever watches its sub-steps would take this for one.
    z = [
        method.model.forward(name, x, chosen, present[m]) if only in {None, m} else none
        for m, (name, x) in enumerate(split.inputs.items())
    ]
    return torch.stack(z) * present[..., None], present


def _cosine(losses: Tensor, encoder: torch.nn.Module) -> float:
    trained = [p for p in encoder.parameters() if p.requires_grad]
    joint, own = gradients_of(list(losses), trained)
    pairs = [(a, b) for a, b in zip(joint, own, strict=True) if a is not None and b is not None]
    if not pairs:
        return float("nan")
    a, b = (torch.cat([x.flatten() for x in side]) for side in zip(*pairs, strict=True))
    length = float(a.norm() * b.norm())
    return max(-1.0, min(1.0, float(a @ b) / length)) if length else float("nan")


def _of_training_samples(method: Any, sight: Sight) -> Tensor:
    return encoder_cosines(method, sight.train)


CONFLICT = Instrument(
    later("Gradient conflict (cosine)"),
    later(
        "The cosine of an encoder's two gradients, of the fused loss and of its own, on training "
        "samples: below 0 they disagree where it should go."
    ),
    _of_training_samples,
)
