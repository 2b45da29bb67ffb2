"""What if the modality gap were closed? Features moved along the gap, and what the heads then say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional as F

from mla_core.errors import ConfigError, one_of
from mla_core.history import Evaluation
from mla_core.session import TrainingSession, compute_threads

# From as far apart again, over no change (0) and the gap closed (1), to twice the way.
AMOUNTS = tuple(tenth / 10 for tenth in range(-10, 21))


def gap_vector(a: Tensor, b: Tensor) -> Tensor:
    """Return the way from modality a to modality b: the difference of their mean unit features.

    Parameters
    ----------
    a, b : Tensor
        (N, s) and (K, s) features, at least one each; pairs are not needed.

    Returns
    -------
    Tensor
        (s,), as long as `mla_core.modality_gap.centroid_gap` says.

    Examples
    --------
    >>> gap_vector(torch.tensor([[2.0, 0.0]]), torch.tensor([[0.0, 5.0]])).tolist()
    [-1.0, 1.0]
    """
    return F.normalize(b, dim=-1).mean(0) - F.normalize(a, dim=-1).mean(0)


def shift(features: Tensor, vector: Tensor, amount: float) -> Tensor:
    """Move features by a share of a vector; each keeps its length.

    Parameters
    ----------
    features : Tensor
        (N, s).
    vector : Tensor
        (s,), such as `gap_vector`.
    amount : float
        0 changes nothing, 1 goes all the way.

    Notes
    -----
    ``|z| normalise(z / |z| + amount * vector)``: the experiment of Liang et al. (NeurIPS 2022) on
    unit features, with every feature put back to its own length, which its logits depend on.

    Examples
    --------
    >>> shift(torch.tensor([[2.0, 0.0]]), torch.tensor([-1.0, 1.0]), 1.0).tolist()
    [[0.0, 2.0]]
    """
    if amount == 0:
        return features
    lengths = features.norm(dim=-1, keepdim=True)
    return lengths * F.normalize(F.normalize(features, dim=-1) + amount * vector, dim=-1)


def shifted(
    session: TrainingSession, moved: str, towards: str, amounts: Sequence[float] = AMOUNTS
) -> list[Evaluation]:
    """Return what the network says when one modality is moved along its gap to another.

    The weights are those of this moment, the samples the session's probe set; nothing is trained.

    Parameters
    ----------
    session : TrainingSession
        Of any method; it may go on training meanwhile.
    moved, towards : str
        Two modalities.
    amounts : sequence of float
        See `shift`.

    Returns
    -------
    list of Evaluation
        One for each amount, with the moved features.

    Raises
    ------
    ConfigError
        For an unknown modality, one and the same twice, or one that no probe sample has.

    Examples
    --------
    >>> from mla_core import ExperimentConfig
    >>> session = TrainingSession(ExperimentConfig(dataset="gaussian", probe_size=50))
    >>> as_it_is, closed = shifted(session, "m0", "m1", amounts=[0, 1])
    >>> bool(torch.equal(as_it_is.fused, session.evaluate(session.probe).fused))
    True
    """
    names = list(session.data.modalities)
    for name in (moved, towards):
        one_of("modality", name, names)
    if moved == towards:
        raise ConfigError(f"{moved!r} cannot move towards itself: choose two modalities of {names}")
    twin = session.fork()
    look = twin.evaluate(session.probe)
    own, other = names.index(moved), names.index(towards)
    for row in (own, other):
        if not look.present[row].any():
            raise ConfigError(f"no probe sample has the modality {names[row]!r}: there is no gap")
    vector = gap_vector(
        look.features[own][look.present[own]], look.features[other][look.present[other]]
    )
    found = []
    for amount in amounts:
        features = look.features.clone()  # (M, N, s)
        features[own] = shift(features[own], vector, amount)
        with torch.no_grad(), compute_threads():
            said = twin.method.read(features, look.present)
        found.append(
            replace(
                look, features=features, logits=said.logits, weights=said.weights, fused=said.fused
            )
        )
    return found
