"""How matrices that act on the head lie to the features that the head reads."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def share_seen(matrix: Tensor, mean: Tensor) -> float:
    """Return how much of a step of the head's weight a mean feature sees.

    Parameters
    ----------
    matrix : Tensor
        (C, s): a gradient, a projected gradient or an update of the head's weight.
    mean : Tensor
        (s,).

    Returns
    -------
    float
        ``|A h| / (|A| |h|)`` with the Frobenius norm, from 0 to 1: 0 when the step leaves the head's
        answer for h as it is (A is orthogonal to h), 1 when every row of A lies along h. NaN when
        one of the two is zero.

    Examples
    --------
    >>> step = torch.tensor([[3.0, 0.0], [4.0, 0.0]])
    >>> share_seen(step, torch.tensor([2.0, 0.0])), share_seen(step, torch.tensor([0.0, 1.0]))
    (1.0, 0.0)
    """
    a, h = matrix.detach().double(), mean.detach().double()
    size = float(a.norm() * h.norm())
    return min(1.0, float((a @ h).norm()) / size) if size > 0 else math.nan


def degrees(share: float) -> float:
    """Return the angle behind a share: 90 degrees for 0 (orthogonal), 0 degrees for 1.

    Examples
    --------
    >>> degrees(0.0), degrees(1.0)
    (90.0, 0.0)
    """
    return math.nan if math.isnan(share) else math.degrees(math.acos(share))


def spectrum(transform: Tensor) -> Tensor:
    """Return how strongly each direction still passes, (s,), the freest first.

    Parameters
    ----------
    transform : Tensor
        (s, s), what a gradient is multiplied by: `HeadGradientModification.transform`.

    Returns
    -------
    Tensor
        Its singular values. Under eq. 5 this is P itself, which is
        symmetric and positive definite, so they are its eigenvalues; for ``additive`` it is
        ``I + P^T``.

    Examples
    --------
    >>> spectrum(torch.diag(torch.tensor([0.25, 1.0]))).tolist()
    [1.0, 0.25]
    """
    strengths: Tensor = torch.linalg.svdvals(transform)
    return strengths
