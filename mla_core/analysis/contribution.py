"""What each modality contributes: accuracy with every subset of modalities, and Shapley values."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from mla_core.data import without_parts
from mla_core.data.samples import Split
from mla_core.methods import Method

Value = Mapping[frozenset[str], float]


class Answers:
    """Fused predictions for a split when less of it is present; every part is encoded once.

    Parameters
    ----------
    method : Method
    split : Split
        N samples.
    """

    def __init__(self, method: Method, split: Split) -> None:
        self.method = method
        self.split = split
        self._predict = method.predictions(split)

    def fused(self, present: Tensor) -> Tensor:
        """Return the fused logits (N, C) when only the parts in `present` (M, N) are there."""
        return self._predict(present).fused

    def right(self, present: Tensor) -> Tensor:
        """Return who is answered rightly (N,) when only the parts in `present` are there."""
        return self.fused(present).argmax(-1) == self.split.labels


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
    answers = Answers(method, split)
    bare = replace(split, inputs={name: torch.empty(len(split), 0) for name in split.inputs})
    curve = {}
    for rate in rates:
        present = without_parts(bare, [rate] * len(split.inputs), seed).present
        right = answers.right(present) & present.any(0)
        curve[rate] = float(right.double().mean())
    return curve


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
