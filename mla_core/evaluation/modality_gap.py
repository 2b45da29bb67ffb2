"""The modality gap in numbers. A small gap is not better; it says where the modalities lie."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F


def centroid_gap(a: Tensor, b: Tensor) -> float:
    """Return the distance between the centroids of two modalities' normalised features.

    Parameters
    ----------
    a, b : Tensor
        (N, s) and (K, s); pairs are not needed.

    Returns
    -------
    float
        Between 0 and 2; NaN when a side is empty or not finite.

    Notes
    -----
    ``|| mean(z_a / |z_a|) - mean(z_b / |z_b|) ||`` (Liang et al., NeurIPS 2022).

    Examples
    --------
    >>> centroid_gap(torch.tensor([[2.0, 0.0]]), torch.tensor([[-5.0, 0.0]]))
    2.0
    """
    return float((F.normalize(a, dim=-1).mean(0) - F.normalize(b, dim=-1).mean(0)).norm())


def linear_separability(features: Sequence[Tensor]) -> float:
    """Return how often a linear classifier names the modality of held-out features.

    Even rows train a ridge-regularised least-squares classifier, odd rows test it, balanced over
    modalities. Least squares has a closed form, so this can run while somebody watches; with three
    and more modalities it can understate what a better linear classifier would reach, since a
    modality that lies between two others may be masked by them.

    Parameters
    ----------
    features : sequence of Tensor
        M tensors (N_m, s).

    Returns
    -------
    float
        Mean held-out accuracy over modalities; chance is 1/M; NaN with fewer than two samples of
        a modality, or when a feature is not finite.

    Examples
    --------
    >>> a = torch.randn(50, 4, generator=torch.Generator().manual_seed(0))
    >>> linear_separability([a, a + 9])
    1.0
    """
    if min(map(len, features)) < 2 or not all(bool(z.isfinite().all()) for z in features):
        return float("nan")
    train = torch.cat([z[0::2] for z in features]).double()
    mean = train.mean(0)
    scale = (train - mean).pow(2).mean().sqrt().clamp(min=1e-12)

    def design(z: Tensor) -> Tensor:
        z = (z.double() - mean) / scale
        return torch.cat([z, z.new_ones(len(z), 1)], 1)

    owner = torch.cat([torch.full((len(z[0::2]),), m) for m, z in enumerate(features)])
    share = torch.bincount(owner).double()[owner]
    x = design(train) / share.sqrt()[:, None]  # every modality counts the same
    target = F.one_hot(owner, len(features)).double() / share.sqrt()[:, None]
    ridge = 1e-3 * torch.eye(x.shape[1], dtype=torch.float64)
    weights = torch.linalg.solve(x.T @ x + ridge, x.T @ target)
    hits = [
        (design(z[1::2]) @ weights).argmax(1).eq(m).double().mean() for m, z in enumerate(features)
    ]
    return float(torch.stack(hits).mean())
