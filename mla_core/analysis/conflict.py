"""Gradient conflict: whether the joint loss moves an encoder where its own loss wants it to go."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from mla_core.data.samples import Split
from mla_core.errors import ConfigError
from mla_core.methods import Joint, Method, cross_entropies, gradients_of


def gradient_conflict(method: Method, split: Split, most: int = 256) -> dict[str, float]:
    """Return, per modality, the cosine of its encoder's joint and unimodal gradients.

    Parameters
    ----------
    method : Method
        Any joint one. It stays as it is, and what it does to gradients does not count.
    split : Split
        Samples to ask about, absent parts left out; those of ``train`` are what it learns from.
    most : int
        So many of them, the first that have some part.

    Returns
    -------
    dict of str to float
        -1 to 1; NaN where the encoder learns nothing, or nobody has the modality.

    Raises
    ------
    ConfigError
        When the method trains one modality at a time: then there are no two gradients.

    Notes
    -----
    ``cos(grad CE(z), grad CE(z_m))`` over all parameters of encoder m, z the fused logits and z_m
    modality m's own, as in a look: no dropout (the quantity that Wei & Hu, ICML 2024, act on).

    Examples
    --------
    >>> from mla_core import ExperimentConfig, TrainingSession
    >>> session = TrainingSession(ExperimentConfig(dataset="gaussian", method="concat"))
    >>> found = gradient_conflict(session.method, session.data.split("train"))
    >>> list(found), all(-1 <= cosine <= 1 for cosine in found.values())
    (['m0', 'm1', 'm2'], True)
    """
    if not isinstance(method, Joint):
        msg = (
            f"method {method.config.method!r} has no two gradients to compare: gradient conflict "
            "is a question to a joint method, such as 'concat'"
        )
        raise ConfigError(msg)
    chosen = split.present.any(0).nonzero().flatten()[:most]
    present, labels = split.present[:, chosen], split.labels[chosen]
    model, training = method.model, method.model.training
    model.eval()
    try:
        with torch.enable_grad():
            columns = zip(split.inputs.items(), present, strict=True)
            # Not by calling the model: whoever watches its sub-steps would take this for one.
            z = torch.stack([model.forward(name, x, chosen, here) for (name, x), here in columns])
            z = z * present[..., None]
            joint = F.cross_entropy(method.fused_logits(z, present), labels)
            own = cross_entropies(method.modality_logits(z, present), labels, present)
            return {
                name: _cosine(torch.stack([joint, loss]), encoder)
                for (name, encoder), loss in zip(model.encoders.items(), own, strict=True)
            }
    finally:
        model.train(training)


def _cosine(losses: Tensor, encoder: torch.nn.Module) -> float:
    trained = [p for p in encoder.parameters() if p.requires_grad]
    joint, own = gradients_of(list(losses), trained)
    pairs = [(a, b) for a, b in zip(joint, own, strict=True) if a is not None and b is not None]
    if not pairs:
        return float("nan")
    a, b = (torch.cat([x.flatten() for x in side]) for side in zip(*pairs, strict=True))
    length = float(a.norm() * b.norm())
    return max(-1.0, min(1.0, float(a @ b) / length)) if length else float("nan")
