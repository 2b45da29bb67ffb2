"""Gradient conflict: whether the joint loss moves an encoder where its own loss wants it to go."""

from __future__ import annotations

from mla_core.data.samples import Split
from mla_core.errors import ConfigError
from mla_core.methods import Joint, Method, encoder_cosines


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
    found = encoder_cosines(method, split, most).tolist()
    return dict(zip(method.modalities, found, strict=True))
