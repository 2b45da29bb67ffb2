"""Shapley values: what each modality contributes to what all of them are worth together."""

from __future__ import annotations

import itertools
from collections.abc import Hashable, Mapping
from math import factorial
from typing import Any, TypeVar

import torch
from torch import Tensor

from mla_core.data.samples import Split

Player = TypeVar("Player", bound=Hashable)


def shapley_values(values: Mapping[frozenset[Player], Any]) -> dict[Player, Any]:
    """Return each player's Shapley value.

    Parameters
    ----------
    values : mapping of frozenset to number or Tensor
        v(S) for all 2^M subsets of the players, which can be sorted; of many games at once as
        tensors of one shape.

    Notes
    -----
    ``phi_m = sum over S without m of |S|! (M - |S| - 1)! / M! (v(S + m) - v(S))``; they add up to
    v(all) - v(none) (Shapley, 1953).

    Examples
    --------
    >>> v = {(): 0.1, ("a",): 0.6, ("b",): 0.1, ("a", "b"): 0.6}
    >>> shapley_values({frozenset(s): x for s, x in v.items()})
    {'a': 0.5, 'b': 0.0}
    """
    players: list[Any] = sorted(frozenset[Player]().union(*values))
    m = len(players)
    result = {}
    for player in players:
        terms = [
            factorial(len(s)) * factorial(m - len(s) - 1) / factorial(m)
            * (values[s | {player}] - values[s])
            for s in values
            if player not in s
        ]  # fmt: skip
        result[player] = sum(terms)
    return result


class Answers:
    """Fused predictions for a split when less of it is present; every part is encoded once.

    Parameters
    ----------
    method : Method
    split : Split
        N samples.
    """

    def __init__(self, method: Any, split: Split) -> None:
        self.split = split
        self._predict = method.predictions(split)

    def fused(self, present: Tensor) -> Tensor:
        """Return the fused logits (N, C) when only the parts in `present` (M, N) are there."""
        fused: Tensor = self._predict(present).fused
        return fused

    def right(self, present: Tensor) -> Tensor:
        """Return who is answered rightly (N,) when only the parts in `present` are there."""
        return self.fused(present).argmax(-1) == self.split.labels


def subset_accuracies(method: Any, split: Split) -> dict[frozenset[str], float]:
    """Return v(S), the fused accuracy when only the modalities in S are present, for every S.

    Parameters
    ----------
    method : Method
    split : Split
        N samples. The other modalities are taken away as a missing part is: how the method then
        answers is its own business.

    Returns
    -------
    dict of frozenset of str to float
        2^M entries. A sample without any of S counts 1/C, as a guess does: so v of the empty set
        is 1/C, and a modality that nobody has contributes nothing.
    """
    names = list(split.inputs)
    answers = Answers(method, split)
    n_classes = answers.fused(split.present).shape[-1]
    values = {frozenset[str](): 1 / n_classes}
    for size in range(1, len(names) + 1):
        for subset in itertools.combinations(names, size):
            kept = torch.tensor([name in subset for name in names])
            present = split.present & kept[:, None]
            credit = torch.where(present.any(0), answers.right(present).double(), 1 / n_classes)
            values[frozenset(subset)] = float(credit.mean())
    return values
