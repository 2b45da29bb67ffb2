"""What a published variant does, measured on the spot against what its equations say."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from mla_core.head.gradient import HeadGradientModification


def batch_dependence(
    rule: Callable[[Tensor, Tensor], Tensor],
    logits: Tensor,
    present: Tensor,
    sizes: Sequence[int] = (1, 16, 64),
) -> float:
    """Return the largest change of an importance weight when the batch is cut differently.

    Parameters
    ----------
    rule : function
        From logits (M, B, C) and presence (M, B) to weights (M, B), such as
        `mla_core.fusion.importance_weights`.
    logits : Tensor
        (M, N, C).
    present : Tensor
        (M, N) bool.
    sizes : sequence of int
        Into batches of how many samples the same N are cut.

    Returns
    -------
    float
        0 where a sample's weights do not depend on its neighbours, as eq. 8 of MLA has it; at
        most 1.

    Examples
    --------
    >>> from mla_core.fusion import importance_weights, released_batch_weights
    >>> logits = torch.randn(2, 64, 5, generator=torch.Generator().manual_seed(0))
    >>> here = torch.ones(2, 64, dtype=torch.bool)
    >>> batch_dependence(importance_weights, logits, here)
    0.0
    >>> batch_dependence(released_batch_weights, logits, here) > 0.1
    True
    """
    cut = [weights_in_batches(rule, logits, present, size) for size in sizes]
    return max(float((a - b).abs().max()) for a, b in itertools.combinations(cut, 2))


def weights_in_batches(
    rule: Callable[[Tensor, Tensor], Tensor], logits: Tensor, present: Tensor, size: int
) -> Tensor:
    """Return the weights (M, N) when the rule sees `size` samples at a time."""
    batches = zip(logits.split(size, 1), present.split(size, 1), strict=True)
    return torch.cat([rule(some, here) for some, here in batches], 1)


def leftover(variant: str, *batches: Tensor, alpha: float = 0.1, relative: bool = True) -> float:
    """Return how much of a gradient along the first mean feature still passes.

    Parameters
    ----------
    variant : str
        A key of `mla_core.head.gradient.VARIANTS`.
    *batches : Tensor
        (B, s) features, one batch per sub-step, taken in one after the other.
    alpha : float
    relative : bool
        To what passes in the direction that passes best; otherwise to the gradient itself.

    Returns
    -------
    float
        ``|T r| / (|T| |r|)`` with r the mean of the first batch, T what the variant multiplies
        gradients by, and ``|T|`` its largest singular value; without `relative`, ``|T r| / |r|``.
        The projection of eq. 5 leaves ``alpha / (alpha + |r|^2)`` after one update.

    Examples
    --------
    >>> features = torch.randn(8, 4, generator=torch.Generator().manual_seed(0)) + 5
    >>> leftover("off", features), leftover("paper", features) < 0.01
    (1.0, True)
    """
    dim = batches[0].shape[1]
    modification = HeadGradientModification(dim, alpha, variant)
    for features in batches:
        modification.update(features.double())
    r = batches[0].double().mean(0)
    transform = modification.project(torch.eye(dim, dtype=torch.float64))
    best = torch.linalg.matrix_norm(transform, 2) if relative else 1.0
    return float((r @ transform).norm() / (best * r.norm()))


def rounding_spread(variant: str, *batches: Tensor, alpha: float = 0.1) -> float:
    """Return how far float32 and float64 are apart after some updates.

    Parameters
    ----------
    variant : str
        A key of `mla_core.head.gradient.VARIANTS`.
    *batches : Tensor
        (B, s) features, one batch per sub-step, taken in one after the other.
    alpha : float

    Returns
    -------
    float
        ``|T - T'| / |T|`` in Frobenius norms, with T what the variant multiplies gradients by, and
        T' the same when P is rounded to float32 after each update: about 1e-7 where rounding stays
        what it is, about 1 where the two have nothing in common.

    Examples
    --------
    >>> draw = torch.Generator().manual_seed(0)
    >>> features = [torch.randn(16, 8, generator=draw).relu() for _ in range(10)]
    >>> rounding_spread("paper", *features) < 1e-6
    True
    """
    precise, rounded = (
        HeadGradientModification(batches[0].shape[1], alpha, variant) for _ in range(2)
    )
    for features in batches:
        for modification in (precise, rounded):
            modification.update(features.double())
        rounded.load_state_dict(
            {key: value.float().to(value.dtype) for key, value in rounded.state_dict().items()}
        )
    apart = (precise.transform - rounded.transform).norm() / precise.transform.norm()
    return float(apart)
