"""What methods that balance modalities measure in a batch, and what they do to encoders' gradients."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mla_core.language import later
from mla_core.methods.instruments import Instrument

DISCREPANCY = Instrument(
    later("Discrepancy ratio"),
    later(
        "How sure a modality is of the right class, over how sure the others are, in the mean over "
        "them and for one batch: above 1 it leads."
    ),
)


def scores(logits: Tensor, labels: Tensor, present: Tensor) -> Tensor:
    """Return the mean probability (M,) that each modality's logits give to the right class.

    Parameters
    ----------
    logits : Tensor
        (M, B, C).
    labels : Tensor
        (B,).
    present : Tensor
        (M, B) bool; absent parts do not count, and a modality that nobody has gets NaN.

    Examples
    --------
    >>> logits = torch.tensor([[[9.0, 0.0]], [[0.0, 0.0]]])
    >>> scores(logits, torch.tensor([0]), torch.ones(2, 1).bool()).tolist()
    [0.99..., 0.5]
    """
    right = torch.softmax(logits, -1)[:, torch.arange(len(labels)), labels]  # (M, B)
    return mean_over_present(right, present)


def cross_entropies(logits: Tensor, labels: Tensor, present: Tensor) -> Tensor:
    """Return the mean cross-entropy (M,) of each modality's logits; parameters as for `scores`.

    Examples
    --------
    >>> present = torch.tensor([[True], [False]])
    >>> cross_entropies(torch.zeros(2, 1, 2), torch.tensor([0]), present).tolist()
    [0.693..., nan]
    """
    losses = -F.log_softmax(logits, -1)[:, torch.arange(len(labels)), labels]  # (M, B)
    return mean_over_present(torch.where(present, losses, 0.0), present)


def mean_over_present(values: Tensor, present: Tensor) -> Tensor:
    """Return the means (M,) of values (M, B) over the samples that have a part, NaN without any.

    Examples
    --------
    >>> mean_over_present(torch.tensor([[1.0, 5.0]]), torch.tensor([[True, False]])).tolist()
    [1.0]
    """
    return (values * present).sum(1) / present.sum(1)


def leads(scored: Tensor) -> Tensor:
    """Return ``rho_m``, the mean of ``s_m / s_j`` over the other modalities j, (M,).

    NaN where a score is NaN, or where there is nobody to compare with.

    Examples
    --------
    >>> leads(torch.tensor([0.8, 0.4])).tolist()
    [2.0, 0.5]
    """
    rho = torch.full_like(scored, torch.nan)
    here = ~scored.isnan()
    s = scored[here]
    rho[here] = ((s[:, None] / s).sum(1) - 1) / (len(s) - 1)
    return rho


def jensen_shannon(logits: Tensor, others: Tensor) -> Tensor:
    """Return ``KL(p || r) / 2 + KL(q || r) / 2`` with ``r = (p + q) / 2`` (B,), in nats.

    Parameters
    ----------
    logits, others : Tensor
        (B, C); p and q are their softmax.

    Examples
    --------
    >>> far = jensen_shannon(torch.tensor([[50.0, 0.0]]), torch.tensor([[0.0, 50.0]]))
    >>> round(far.item(), 4)  # log(2), the most that there is
    0.6931
    """
    log_p, log_q = torch.log_softmax(logits, -1), torch.log_softmax(others, -1)
    log_r = torch.logaddexp(log_p, log_q) - torch.log(torch.tensor(2.0))
    p, q = log_p.exp(), log_q.exp()
    return (p * (log_p - log_r) + q * (log_q - log_r)).sum(-1) / 2


def scale_gradients(encoders: Iterable[nn.Module], factors: Tensor) -> None:
    """Multiply all gradients of each encoder by its factor (M,), where that is not NaN."""
    for encoder, factor in zip(encoders, factors.tolist(), strict=True):
        if factor == factor:  # noqa: PLR0124 - not NaN
            for parameter in encoder.parameters():
                if parameter.grad is not None:
                    parameter.grad *= factor


def gradients_of(
    losses: Sequence[Tensor], parameters: Sequence[nn.Parameter]
) -> list[list[Tensor | None]]:
    """Return the gradients of several losses with one graph: one way back through it for each.

    Parameters
    ----------
    losses : sequence of Tensor
        K scalars.
    parameters : sequence of Parameter

    Returns
    -------
    list of list of Tensor or None
        K rows; None where a loss does not depend on a parameter.

    Examples
    --------
    >>> w = nn.Parameter(torch.tensor(3.0))
    >>> gradients_of([w * w, 2 * w], [w])
    [[tensor(6.)], [tensor(2.)]]
    """
    if not parameters:
        return [[] for _ in losses]
    return [
        list(torch.autograd.grad(loss, parameters, retain_graph=True, allow_unused=True))
        for loss in losses
    ]
