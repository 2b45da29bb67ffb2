"""Gaussian modalities: any number of them, with the best possible accuracy known beforehand."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Annotated

import torch
from msgspec import Meta
from torch import Tensor

from mla_core.data.dataset import MultimodalDataset
from mla_core.data.samples import Modality, Split
from mla_core.errors import DataError
from mla_core.language import later
from mla_core.outside import Seed
from mla_core.seeding import generator

DRAWS = 1_000_000  # standard error of a Bayes accuracy: at most 0.05 points


# What makes numbers in the memory has bounds, so that a slip is no memory error.
Modalities = Annotated[int, Meta(ge=1, le=32, description="a whole number from 1 to 32")]
Classes = Annotated[int, Meta(ge=2, le=10_000, description="a whole number from 2 to 10,000")]
Dim = Annotated[int, Meta(ge=1, le=100_000, description="a whole number from 1 to 100,000")]
Deviation = Annotated[float, Meta(gt=0, le=1e9)]
Noise = Annotated[
    Sequence[Deviation] | None,
    Meta(description="a list of standard deviations above 0, one for each modality"),
]
Sizes = Annotated[
    Sequence[Annotated[int, Meta(ge=1, le=10_000_000)]],
    Meta(
        min_length=3,
        max_length=3,
        description="three whole numbers from 1 to 10,000,000 (train, val, test)",
    ),
]


def load_gaussian(
    modalities: Modalities = 3,
    classes: Classes = 10,
    dim: Dim = 16,
    noise: Noise = None,
    sizes: Sizes = (1000, 300, 1000),
    seed: Seed = 0,
) -> MultimodalDataset:
    """Return ``x_m = mu_{m, y} + noise_m * e`` with standard normal e, for each modality m.

    Parameters
    ----------
    modalities, classes, dim : int
        M >= 1, C >= 2 and the length D of every vector.
    noise : sequence of float, optional
        M standard deviations, each above 0. Two class means are 2 apart on average, so that with
        two classes the best accuracy of one modality is near ``Phi(1 / noise)``. By default they
        grow from 0.5, the strong modality, by a factor of 1.6 each.
    sizes : sequence of int
        Samples in train, val and test.
    seed : int
        Draws the means and the samples.

    Returns
    -------
    MultimodalDataset
        ``.facts["bayes_accuracy"]`` holds the best possible accuracy of every subset of
        modalities, for example under ``"m0+m2"``; it is computed when first asked for.

    Examples
    --------
    >>> data = load_gaussian(modalities=2, noise=[0.5, 2.0])
    >>> best = data.facts["bayes_accuracy"]
    >>> best["m0+m1"] > best["m0"] > best["m1"]
    True
    """
    levels = [0.5 * 1.6**m for m in range(modalities)] if noise is None else list(noise)
    if len(levels) != modalities:
        msg = f"noise must hold {modalities} standard deviations, one for each modality, not {noise!r}"
        raise DataError(msg)

    names = [f"m{m}" for m in range(modalities)]
    # Scaled so that the squared distance of two means is 4 on average.
    means = (
        torch.randn(modalities, classes, dim, generator=generator(seed, "means")) * (2 / dim) ** 0.5
    )

    def draw(side: str, n: int) -> Split:
        source = generator(seed, "samples", side)
        labels = torch.arange(n) % classes
        inputs = {
            name: means[m, labels] + levels[m] * torch.randn(n, dim, generator=source)
            for m, name in enumerate(names)
        }
        return Split.complete(side, inputs, labels)

    return MultimodalDataset(
        "gaussian",
        [
            Modality(
                name,
                "vector",
                (dim,),
                noise=levels[m],
                noise_unit=later("standard deviation (class means are 2 apart)"),
                noise_range=(0.1, 4.0),
            )
            for m, name in enumerate(names)
        ],
        [str(c) for c in range(classes)],
        {side: draw(side, n) for side, n in zip(("train", "val", "test"), sizes, strict=True)},
        note=later("Generated: Gaussian clouds around class means, independent given the class."),
        facts=lambda: {"bayes_accuracy": bayes_accuracies(names, means, levels, seed)},
    )


def bayes_accuracies(
    names: Sequence[str], means: Tensor, noise: Sequence[float], seed: int = 0
) -> dict[str, float]:
    """Return the best possible accuracy of every non-empty subset of modalities.

    Parameters
    ----------
    names : sequence of str
    means : Tensor
        (M, C, D) class means.
    noise : sequence of float
        M standard deviations.
    seed : int
        Of the Monte Carlo draw.

    Notes
    -----
    For equal priors and shared covariance the best rule picks the nearest mean, in units of the
    noise. Its scores ``mu_c^T x - |mu_c|^2 / 2`` need only the C x C matrix of the means' inner
    products, so C numbers are drawn per sample however many dimensions there are.
    """
    scaled = means.double() / torch.tensor(noise, dtype=torch.float64)[:, None, None]
    grams = scaled @ scaled.transpose(1, 2)  # (M, C, C)
    result = {}
    for size in range(1, len(names) + 1):
        for subset in itertools.combinations(range(len(names)), size):
            gram = grams[list(subset)].sum(0)
            result["+".join(names[m] for m in subset)] = _nearest_mean_accuracy(gram, seed)
    return result


def _nearest_mean_accuracy(gram: Tensor, seed: int) -> float:
    classes = len(gram)
    values, vectors = torch.linalg.eigh(gram)
    root = (vectors * values.clamp(min=0).sqrt()).float()  # (C, C), gram = root root^T
    bias = (gram - gram.diagonal() / 2).float()  # row y: the scores of class c without noise
    source = generator(seed, "bayes")
    hits = 0
    chunk = 100_000
    for start in range(0, DRAWS, chunk):
        labels = torch.arange(start, start + chunk) % classes
        noise = torch.randn(chunk, classes, generator=source) @ root.T
        hits += int(((bias[labels] + noise).argmax(1) == labels).sum())
    return hits / DRAWS
