"""What each modality contributes: accuracy with every subset of modalities, and Shapley values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch

from mla_core.data import without_parts
from mla_core.data.samples import Split
from mla_core.methods import Answers, Method

Value = Mapping[frozenset[str], float]


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
