"""How matrices that act on the head lie to the features that the head reads."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from mla_core.head.gradient import HeadGradientModification


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


def spectrum(P: Tensor, variant: str = "paper") -> Tensor:
    """Return how strongly each direction still passes, (s,), the freest first.

    Parameters
    ----------
    P : Tensor
        (s, s).
    variant : str
        A key of `mla_core.head.gradient.VARIANTS`; decides what P does to a gradient.

    Returns
    -------
    Tensor
        Singular values of what the gradient is multiplied by. Under eq. 5 this is P itself, which is
        symmetric and positive definite, so they are its eigenvalues; for ``additive`` it is
        ``I + P^T``.

    Examples
    --------
    >>> P = torch.diag(torch.tensor([0.25, 1.0], dtype=torch.float64))
    >>> spectrum(P).tolist(), spectrum(P, "additive").tolist()
    ([1.0, 0.25], [2.0, 1.25])
    """
    modification = HeadGradientModification(len(P), variant=variant)
    modification.load_state_dict({"P": P})
    strengths: Tensor = torch.linalg.svdvals(modification.project(torch.eye(len(P), dtype=P.dtype)))
    return strengths
