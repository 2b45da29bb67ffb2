"""What each modality contributes: accuracy with every subset of modalities, and Shapley values."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from math import factorial

import torch

from mla_core.data.dataset import Split
from mla_core.data.shortage import without_parts
from mla_core.methods.base import Method

Value = Mapping[frozenset[str], float]


def subset_accuracies(method: Method, split: Split) -> dict[frozenset[str], float]:
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
    n_classes = method.predict(split.subset(torch.tensor([0]))).fused.shape[-1]
    values = {frozenset[str](): 1 / n_classes}
    for size in range(1, len(names) + 1):
        for subset in itertools.combinations(names, size):
            less = keep_only(split, subset)
            right = (method.predict(less).fused.argmax(-1) == split.labels).double()
            credit = torch.where(less.present.any(0), right, 1 / n_classes)
            values[frozenset(subset)] = float(credit.mean())
    return values


def keep_only(split: Split, modalities: Sequence[str]) -> Split:
    """Return the split with the parts of all other modalities absent."""
    kept = torch.tensor([name in modalities for name in split.inputs])
    return split.keep(split.present & kept[:, None])


def missing_curve(
    method: Method, split: Split, rates: Sequence[float], seed: int
) -> dict[float, float]:
    """Return the fused accuracy at every missing rate: trained as it was, less at test.

    Parameters
    ----------
    method : Method
    split : Split
        Each modality of each sample goes missing on its own, as `mla_core.data.shortage` has it:
        a split that lacks parts already, drawn with the same seed, loses no more up to that rate.
        Samples with nothing left count as wrong.
    rates : sequence of float
        In 0..1.
    seed : int
        Of which parts go; the same for every method.
    """
    curve = {}
    for rate in rates:
        less = without_parts(split, [rate] * len(split.inputs), seed)
        right = method.predict(less).fused.argmax(-1) == split.labels
        curve[rate] = float((right & less.present.any(0)).double().mean())
    return curve


def shapley_values(values: Value) -> dict[str, float]:
    """Return each modality's Shapley contribution to the accuracy.

    Parameters
    ----------
    values : mapping of frozenset of str to float
        v(S) for all 2^M subsets.

    Notes
    -----
    ``phi_m = sum over S without m of |S|! (M - |S| - 1)! / M! (v(S + m) - v(S))``; they add up to
    v(all) - v(none) (SHAPE, Hu et al. 2022). Their spread says how unequal the modalities are.

    Examples
    --------
    >>> v = {(): 0.1, ("a",): 0.6, ("b",): 0.1, ("a", "b"): 0.6}
    >>> shapley_values({frozenset(s): x for s, x in v.items()})
    {'a': 0.5, 'b': 0.0}
    """
    names = sorted(frozenset[str]().union(*values))
    m = len(names)
    result = {}
    for name in names:
        terms = [
            factorial(len(s)) * factorial(m - len(s) - 1) / factorial(m)
            * (values[s | {name}] - values[s])
            for s in values
            if name not in s
        ]  # fmt: skip
        result[name] = sum(terms)
    return result


def utilisation_rates(values: Value) -> dict[str, float]:
    """Return each modality's conditional utilisation rate, ``(v(all) - v(all without m)) / v(all)``.

    Near 0 the network could do without the modality; below 0 it would do better without (Wu et
    al., ICML 2022, there for two modalities).

    Examples
    --------
    >>> v = {(): 0.1, ("a",): 0.6, ("b",): 0.1, ("a", "b"): 0.6}
    >>> utilisation_rates({frozenset(s): x for s, x in v.items()})["b"]
    0.0
    """
    everything = frozenset[str]().union(*values)
    whole = values[everything]
    return {
        name: (whole - values[everything - {name}]) / whole if whole else float("nan")
        for name in sorted(everything)
    }
