"""Shapley values: what each player of a game contributes to what all of them are worth."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from math import factorial
from typing import Any, TypeVar

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
