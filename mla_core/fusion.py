"""Test-time fusion by uncertainty: entropy, importance weights, fused logits (MLA, eq. 6-8).

Every function works sample by sample, so a prediction never depends on its neighbours. The one
exception is `released_batch_weights`, which is kept to show what the published code does.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from mla_core.errors import one_of


def predictive_entropy(logits: Tensor) -> Tensor:
    """Return the entropy of the predicted distribution in nats (eq. 7).

    Parameters
    ----------
    logits : Tensor
        (..., C), finite.

    Returns
    -------
    Tensor
        (...), between 0 and log C.

    Notes
    -----
    ``e = -p^T log p`` with ``p = softmax(logits)`` (Zhang et al., CVPR 2024, eq. 7), computed as
    ``entr(p)``, which is 0 at p = 0. The textbook ``p * log(softmax)`` is NaN there.

    Examples
    --------
    >>> predictive_entropy(torch.tensor([[0.0, 0.0], [1e9, -1e9]])).tolist()
    [0.6931471824645996, 0.0]
    """
    p = torch.softmax(logits, -1)
    entropy: Tensor = torch.special.entr(p).sum(-1)
    return entropy


def importance_weights(logits: Tensor, present: Tensor | None = None) -> Tensor:
    """Return how much each modality counts for each sample (eq. 8).

    Parameters
    ----------
    logits : Tensor
        (M, N, C), finite where present.
    present : Tensor, optional
        (M, N) bool. Absent parts weigh 0.

    Returns
    -------
    Tensor
        (M, N). Columns sum to 1, or are all 0 where a sample has no part at all.

    Notes
    -----
    ``lambda_m = exp(max_v e_v - e_m) / sum_u exp(max_v e_v - e_u)`` equals the softmax over
    modalities of ``-e_m`` (Zhang et al., CVPR 2024, eq. 8).

    Examples
    --------
    >>> sure, unsure = torch.tensor([[9.0, 0.0]]), torch.tensor([[0.0, 0.0]])
    >>> importance_weights(torch.stack([sure, unsure])).argmax(0).tolist()
    [0]
    """
    return _softmax_over_present(-predictive_entropy(logits), present)


def uniform_weights(logits: Tensor, present: Tensor | None = None) -> Tensor:
    """Return equal weights for all present modalities: the plain mean of logits.

    Parameters and result as for `importance_weights`.

    Examples
    --------
    >>> uniform_weights(torch.zeros(2, 3, 10)).tolist()
    [[0.5, 0.5, 0.5], [0.5, 0.5, 0.5]]
    """
    return _softmax_over_present(logits.new_zeros(logits.shape[:2]), present)


def released_batch_weights(
    logits: Tensor, present: Tensor | None = None, batch_size: int = 64
) -> Tensor:
    """Return the weights of MLA's published code, NOT of its paper: one scalar per batch.

    The released code takes the softmax over the batch axis and sums the entropy over the whole
    batch, so that a sample's prediction depends on which samples stand beside it. Kept for
    comparison only. Samples without a modality are left out of that modality's entropy.

    Parameters
    ----------
    logits : Tensor
        (M, N, C).
    present : Tensor, optional
        (M, N) bool.
    batch_size : int
        How the N samples are cut into batches; the last one may be smaller.

    Returns
    -------
    Tensor
        (M, N), constant over modalities' rows within a batch where all parts are present.

    Examples
    --------
    >>> logits = torch.randn(2, 4, 3, generator=torch.Generator().manual_seed(0))
    >>> released_batch_weights(logits).std(1).tolist()
    [0.0, 0.0]
    """
    if batch_size < 1:
        msg = f"batch_size must be at least 1, not {batch_size}"
        raise ValueError(msg)
    here = torch.ones_like(logits[..., 0], dtype=torch.bool) if present is None else present
    masked = logits.masked_fill(~here[..., None], -torch.inf)
    scores = torch.zeros_like(logits[..., 0])
    for start in range(0, logits.shape[1], batch_size):
        batch = slice(start, start + batch_size)
        p = torch.softmax(masked[:, batch], 1)  # (M, B, C): over the BATCH, as released
        p = torch.where(here[:, batch, None], p, 0.0)  # a modality absent throughout gives NaN
        entropy = torch.special.entr(p).sum((1, 2))  # (M,)
        scores[:, batch] = -entropy[:, None]
    return _softmax_over_present(scores, present)


RULES: dict[str, Callable[..., Tensor]] = {
    "entropy": importance_weights,
    "uniform": uniform_weights,
    "released_batch": released_batch_weights,
}


def weights_by_rule(rule: str, logits: Tensor, present: Tensor | None = None) -> Tensor:
    """Return the weights (M, N) of the named rule: ``entropy``, ``uniform``, ``released_batch``."""
    one_of("fusion", rule, RULES)
    return RULES[rule](logits, present)


def fuse(logits: Tensor, weights: Tensor) -> Tensor:
    """Return the fused logits (eq. 6).

    Parameters
    ----------
    logits : Tensor
        (M, N, C). Entries of weight 0 are never read, so absent parts may hold anything.
    weights : Tensor
        (M, N).

    Returns
    -------
    Tensor
        (N, C). A sample without any weight gets zeros: the uniform distribution over classes.

    Notes
    -----
    ``y = sum_m lambda_m f_m(x_m)`` (Zhang et al., CVPR 2024, eq. 6).

    Examples
    --------
    >>> fuse(torch.tensor([[[2.0, 0.0]], [[0.0, 4.0]]]), torch.tensor([[0.5], [0.5]])).tolist()
    [[1.0, 2.0]]
    """
    used = torch.where(weights[..., None] > 0, logits, 0.0)
    limit = torch.finfo(used.dtype).max
    # The sum of a convex combination may round past the largest float; float64 holds it.
    fused = (weights[..., None].double() * used.double()).sum(0)
    return fused.clamp(-limit, limit).to(used.dtype)


def fit_temperature(logits: Tensor, labels: Tensor) -> float:
    """Return the T > 0 for which ``logits / T`` has the smallest negative log-likelihood.

    Parameters
    ----------
    logits : Tensor
        (N, C) of one modality, on data that it was not trained on: ``val``.
    labels : Tensor
        (N,).

    Returns
    -------
    float
        Between 0.01 and 100; above 1 the modality was too sure of itself. 1 without samples.

    Notes
    -----
    Temperature scaling (Guo et al., ICML 2017). It changes no modality's own answer, but it
    changes entropies, and with them what each modality counts in the fused one.

    Examples
    --------
    >>> logits = torch.tensor([[9.0, 0.0]] * 4)
    >>> fit_temperature(logits, torch.tensor([0, 0, 0, 1])) > 5
    True
    """
    from scipy.optimize import minimize_scalar

    if len(labels) == 0:
        return 1.0
    scores = logits.double()

    def loss(log_t: float) -> float:
        return float(torch.nn.functional.cross_entropy(scores / math.exp(log_t), labels))

    limit = math.log(100)
    return math.exp(minimize_scalar(loss, bounds=(-limit, limit), method="bounded").x)


def _softmax_over_present(scores: Tensor, present: Tensor | None) -> Tensor:
    """Softmax over modalities of `scores` (M, N); absent parts and empty columns get 0."""
    if present is not None:
        scores = torch.where(present, scores, -torch.inf)
    # One sample a row: along axis 0 the last bit would depend on how many samples stand beside it.
    weights = torch.softmax(scores.T.contiguous(), -1).T.contiguous()
    if present is None:
        return weights
    return torch.where(present.any(0), weights, 0.0)  # a column of -inf alone gives NaN
