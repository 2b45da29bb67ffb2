"""Test-time fusion by uncertainty: entropy, importance weights, fused logits (MLA, eq. 6-8).

Every function works sample by sample, so a prediction never depends on its neighbours. The one
exception is `released_batch_weights`, which is kept to show what the published code does.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from mla_core.errors import ConfigError
from mla_core.plugins import Registry


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


def product(logits: Tensor, present: Tensor | None = None) -> Tensor:
    """Return the fused logits (N, C) of a product of experts: the sum of log-probabilities.

    Parameters
    ----------
    logits, present
        As for `importance_weights`.

    Notes
    -----
    ``log p(y|x) = sum_m log softmax(z_m)_y`` up to a constant, over the present parts (Hinton,
    2002; Heskes, 1998): the Bayes rule where the modalities are independent given the class and the
    classes are equally frequent. It names the class that the mean of logits names, but grows sure
    with every modality that agrees, which is right only as far as each is calibrated: see
    ``temperature`` in the configuration.

    Examples
    --------
    >>> agreed = torch.tensor([[[0.8, 0.2]], [[0.8, 0.2]]]).log()
    >>> torch.softmax(product(agreed), -1)
    tensor([[0.9412, 0.0588]])
    """
    sure = torch.log_softmax(logits.double(), -1)
    if present is not None:
        sure = torch.where(present[..., None], sure, 0.0)
    limit = torch.finfo(logits.dtype).max
    return sure.sum(0).clamp(-limit, limit).to(logits.dtype)


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


RULES: Registry[Any] = Registry(
    "fusion",
    "fusion",
    {
        "entropy": (
            "mla_core.fusion:importance_weights",
            "sure modalities count more, sample by sample (eq. 7 and 8)",
        ),
        "uniform": ("mla_core.fusion:uniform_weights", "the plain mean of logits"),
        "product": (
            "mla_core.fusion:product",
            "the sum of log-probabilities: every modality is an expert of its own",
        ),
        "released_batch": (
            "mla_core.fusion:released_batch_weights",
            "what MLA's published code does: one weight per modality and batch",
        ),
    },
    adapt="mla_core.fusion:Guest",
    check="mla_core.fusion:check_rule",
)
register = RULES.register


def fused_by_rule(
    rule: str, logits: Tensor, present: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Return the weights (M, N) of the named rule, and the logits (N, C) that it fuses.

    Parameters
    ----------
    rule : str
        A name in `RULES`, or ``"module:function"`` of your own.
    logits : Tensor
        (M, N, C).
    present : Tensor, optional
        (M, N) bool.

    Returns
    -------
    weights : Tensor
        (M, N); of a rule that gives fused logits and no weights they are equal, and say nothing.
    fused : Tensor
        (N, C).

    Raises
    ------
    ConfigError
        For an unknown rule, or one of your own that returns what is neither.

    Examples
    --------
    >>> logits = torch.tensor([[[2.0, 0.0]], [[0.0, 4.0]]])
    >>> fused_by_rule("uniform", logits)
    (tensor([[0.5000],
            [0.5000]]), tensor([[1., 2.]]))
    """
    found = RULES[rule]
    here = torch.ones(logits.shape[:2], dtype=torch.bool) if present is None else present
    given = found(rule, logits, here) if isinstance(found, Guest) else found(logits, present)
    if rule_weighs(rule):
        return given, fuse(logits, given)
    return uniform_weights(logits, here), torch.where(here.any(0)[:, None], given, 0.0)


def rule_weighs(rule: str) -> bool:
    """Whether a rule gives each modality a weight; some give fused logits alone."""
    found = RULES[rule]
    return found.weighs if isinstance(found, Guest) else found is not product


def weights_by_rule(rule: str, logits: Tensor, present: Tensor | None = None) -> Tensor:
    """Return the weights (M, N) of the named rule, see `fused_by_rule`."""
    return fused_by_rule(rule, logits, present)[0]


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


class Guest:
    """A fusion rule of your own: a function from logits and presence to weights or fused logits.

    Parameters
    ----------
    function : callable
        ``(logits (M, N, C), present (M, N)) -> weights (M, N)``, at least 0 and 0 where a part is
        absent; or ``-> fused logits (N, C)``.

    Attributes
    ----------
    weighs : bool
        Which of the two it returns, as a first try tells.
    """

    def __init__(self, function: Callable[[Tensor, Tensor], Tensor]) -> None:
        self.function = function
        self.weighs = True

    def __call__(self, rule: str, logits: Tensor, present: Tensor) -> Tensor:
        """Return what the function returns, checked."""
        given: object = self.function(logits, present)
        m, n, c = logits.shape
        wanted = (m, n) if self.weighs else (n, c)
        what = f"fusion {rule!r}"
        if not isinstance(given, Tensor) or given.shape != wanted:
            told = tuple(given.shape) if isinstance(given, Tensor) else type(given).__name__
            msg = (
                f"{what} must return weights (M, N) = ({m}, {n}) or fused logits (N, C) = "
                f"({n}, {c}) for logits ({m}, {n}, {c}), not {told}"
            )
            raise ConfigError(msg)
        shown = given if self.weighs else given[present.any(0)]
        if not torch.isfinite(shown).all():
            raise ConfigError(f"{what} must return finite numbers")
        if self.weighs and bool((given < 0).any() | given[~present].any()):
            msg = f"{what} must return weights of at least 0, and 0 where a part is absent"
            raise ConfigError(msg)
        return given.to(logits.dtype)


def check_rule(name: str, rule: Guest) -> None:
    """Try a rule of your own on a tiny batch, and find out what it returns.

    Raises
    ------
    ConfigError
        Saying what was expected: a function of logits and presence, weights or fused logits,
        finite numbers, the same ones every time, its input left as it is.
    """
    if not callable(rule.function):
        msg = f"fusion {name!r} must be a function (logits, present), not {rule.function!r}"
        raise ConfigError(msg)
    m, n, c = 3, 7, 5
    draw = torch.Generator().manual_seed(0)
    logits = torch.randn(m, n, c, generator=draw)
    present = torch.ones(m, n, dtype=torch.bool)
    present[0, 0] = present[1, 1] = False
    present[:, 2] = False
    given = logits.clone(), present.clone()
    try:
        first, again = rule.function(*given), rule.function(logits.clone(), present.clone())
    except Exception as error:
        msg = (
            f"fusion {name!r} does not work on logits ({m}, {n}, {c}) and presence ({m}, {n}): "
            f"{type(error).__name__}: {error}"
        )
        raise ConfigError(msg) from error
    rule.weighs = getattr(first, "shape", None) != (n, c)
    rule(name, logits.clone(), present.clone())
    if not torch.equal(first, again):
        msg = f"fusion {name!r} must return the same every time: draw nothing at random"
        raise ConfigError(msg)
    if not (torch.equal(given[0], logits) and torch.equal(given[1], present)):
        msg = f"fusion {name!r} must leave logits and presence as they are: change copies"
        raise ConfigError(msg)
