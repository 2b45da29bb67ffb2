"""What a comparison over seeds says, in plain words."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import TYPE_CHECKING

import numpy as np

from mla_core.errors import ConfigError, one_of
from mla_core.head import rounding_note
from mla_core.language import later, tr
from mla_core.results.significance import (
    ENOUGH,
    detectable_difference,
    holm,
    paired_difference,
)
from mla_core.words import counted, sentences

if TYPE_CHECKING:
    import pandas as pd

LEVEL = 0.05

_SHARES = ("accuracy", "unimodal_accuracy", "probe_accuracy", "subset_accuracy", "missing_curve")
_ERRORS = ("ece", "unimodal_ece")
_LOSSES = ("nll", "unimodal_nll", "brier", "unimodal_brier", "forgetting")

_NAMES = {
    "ece": later("calibration error (ECE)"),
    "nll": later("negative log-likelihood"),
    "brier": later("Brier score"),
    "probe_accuracy": later("accuracy of a linear probe"),
}


@dataclass(frozen=True)
class Measure:
    """How a number is told: times `scale`, in `unit`, and by `sign` whether more is better.

    The sign is 1 where more is better, -1 where less is, and 0 where neither is.
    """

    scale: float = 1.0
    unit: str = ""
    sign: int = 0

    def number(self, x: float) -> str:
        """Return a number as it is told, without its unit.

        Examples
        --------
        >>> measure_of("test.accuracy").number(0.0123), measure_of("test.nll").number(0.0123)
        ('1.2', '0.012')
        """
        return f"{self.scale * x:z.{1 if self.scale == 100.0 else 3}f}"  # z: no minus before 0.0

    def size(self, number: str) -> str:
        """Return a number that is told already, with its unit."""
        return f"{number} {tr(self.unit)}" if self.unit else number


MORE, LESS = frozenset({"better", "higher"}), frozenset({"worse", "lower"})  # kinds that are shown


def measure_of(value: str) -> Measure:
    """Return how the numbers in a column of results are told.

    Examples
    --------
    >>> measure_of("test.unimodal_accuracy.audio")
    Measure(scale=100.0, unit='points', sign=1)
    >>> measure_of("test.fusion.entropy.ece").sign
    -1
    """
    words = [*value.split("."), "", "", ""]  # test.fusion.<rule>.<what>, test.<what>, <what>
    place = 3 if words[1] == "fusion" else int(words[0] in ("train", "val", "test"))
    word = words[place]
    if word in _SHARES:
        return Measure(100.0, later("points"), 1)
    if word in _ERRORS:
        return Measure(100.0, later("points"), -1)
    if word in _LOSSES:
        return Measure(1.0, "", -1)
    return Measure()


def what(value: str) -> str:
    """Name a column of results.

    Examples
    --------
    >>> what("test.unimodal_accuracy.audio")
    'accuracy of audio'
    >>> what("test.ece")
    'calibration error (ECE)'
    """
    words = value.removeprefix("test.").replace("unimodal_", "").split(".")
    if words[0] == "fusion":
        words = [*words[2:], words[1]]
    words[0] = tr(_NAMES.get(words[0], words[0].replace("_", " ")))
    return reduce(lambda what, name: tr("{what} of {name}", what=what, name=name), words)


@dataclass(frozen=True)
class Verdict:
    """What the seeds say about a against b.

    Attributes
    ----------
    a, b, where, value : str
        Two labels, the condition, and the column that was compared.
    mean, half : float
        Of the paired differences a - b: their mean, and half its 95 % interval.
    p_value, adjusted : float
        Of the paired t-test, and by Holm's method for all `family` comparisons made together.
    n, family : int
        Seeds, and comparisons.
    note : str
        What must be said beside it, such as that a variant amplifies rounding.
    """

    a: str
    b: str
    where: str
    value: str
    mean: float
    half: float
    p_value: float
    adjusted: float
    n: int
    family: int = 1
    note: str = ""

    @property
    def kind(self) -> str:
        """``better``, ``worse``, ``higher``, ``lower``, ``unclear``, ``no difference``, ...

        ``unclear`` means a difference by itself, but not once corrected for the number of
        comparisons; ``same`` equal on every seed; ``anecdote`` that there is one seed only.
        """
        if self.mean == 0.0 and (self.half == 0.0 or self.n == 1):
            return "same"
        if math.isnan(self.adjusted):
            return "anecdote"
        if self.adjusted > LEVEL:
            return "unclear" if self.p_value <= LEVEL else "no difference"
        sign = measure_of(self.value).sign
        names = ("better", "worse") if sign else ("higher", "lower")
        return names[self.mean * (sign or 1) < 0]

    @property
    def text(self) -> str:
        """The verdict as one sentence, what the seeds could have shown, and the note if there is one."""
        return sentences(self._sentence, self._power, self.note)

    @property
    def detectable(self) -> float:
        """The smallest true difference that these seeds would show in four of five cases.

        Corrected as the first of all `family` comparisons would be; see `detectable_difference`.
        """
        return detectable_difference(self.half, self.n, LEVEL / self.family)

    @property
    def _power(self) -> str:
        if self.kind not in ("no difference", "unclear"):
            return ""
        told = measure_of(self.value)
        size = told.size(told.number(self.detectable))
        return tr("They would show one of {size} in four of five cases.", size=size)

    @property
    def _sentence(self) -> str:
        seeds = counted(self.n, tr("seed"), tr("seeds"))
        what_ = what(self.value)
        plain = self.value == "test.accuracy"
        if self.kind == "same":
            place = self.where if plain else f"{self.where}, {what_}"
            return tr(
                "{a} equals {b} on {place}, in each of {seeds}: the same.",
                a=self.a,
                b=self.b,
                place=place,
                seeds=seeds,
            )
        place = self.where if plain else tr("{where} in {what}", where=self.where, what=what_)
        start = self._start(place)
        if self.kind == "anecdote":
            return tr("{start} (1 seed): an anecdote, which shows nothing.", start=start)
        number = measure_of(self.value).number
        spread = tr(
            "95 % interval {low} to {high}, {seeds}",
            low=number(self.mean - self.half),
            high=number(self.mean + self.half),
            seeds=seeds,
        )
        if self.family > 1:
            spread = tr("{spread}, adjusted p {p}", spread=spread, p=told_p(self.adjusted))
        return tr("{start} ({spread}): {end}.", start=start, spread=spread, end=self._end)

    def _start(self, place: str) -> str:
        told, known = measure_of(self.value), {"a": self.a, "b": self.b, "place": place}
        number = told.number(abs(self.mean))
        size = told.size(number)
        if not float(number) and self.kind in MORE | LESS:  # however small, these seeds do show it
            size = tr("less than {size}", size=told.size(f"{number[:-1]}1"))
        elif number == told.number(0.0):
            return tr("{a} is level with {b} on {place}", **known)
        if self.mean > 0:
            return tr("{a} is {size} above {b} on {place}", **known, size=size)
        return tr("{a} is {size} below {b} on {place}", **known, size=size)

    @property
    def _end(self) -> str:
        if self.kind == "no difference":
            return tr("no difference that these seeds show")
        if self.kind == "unclear":
            return tr(
                "unclear, it does not survive the correction for {n} comparisons", n=self.family
            )
        if self.n < ENOUGH:
            return tr("{kind}, but from few seeds", kind=tr(self.kind))
        return tr(self.kind)

    def __str__(self) -> str:
        return self.text


def compare(
    frame: pd.DataFrame, a: str, b: str, value: str = "test.accuracy", where: str = ""
) -> Verdict:
    """Compare two labels seed by seed.

    Parameters
    ----------
    frame : DataFrame
        With the columns ``label``, ``condition``, ``seed`` and `value`: one run for each label,
        condition and seed (`mla_core.results.load_results`, `mla_core.results.tables.chosen_runs`).
    a, b : str
        Labels.
    value : str
        A column; of the split that no choice was made on.
    where : str
        A condition; may be left out where there is one only.

    Raises
    ------
    ConfigError
        For an unknown label, column or condition, for two runs of one seed, and when the two do
        not have the same seeds, naming those that are missing.

    Examples
    --------
    >>> import pandas as pd
    >>> runs = {
    ...     "label": ["mla"] * 3 + ["ensemble"] * 3,
    ...     "condition": "emoji",
    ...     "seed": [0, 1, 2] * 2,
    ... }
    >>> runs = pd.DataFrame(runs | {"test.accuracy": [0.70, 0.75, 0.80, 0.70, 0.76, 0.79]})
    >>> print(compare(runs, "mla", "ensemble"))
    mla is level with ensemble on emoji (95 % interval -2.5 to 2.5, 3 seeds): no difference that
    these seeds show. They would show one of 3.3 points in four of five cases.
    """
    one_of("column", value, [str(name) for name in frame])
    conditions = list(dict.fromkeys(frame["condition"]))
    if not where and len(conditions) == 1:
        where = conditions[0]
    one_of("condition", where, conditions)
    here = frame["condition"].to_numpy() == where
    named = {name for name in ("label", "seed", "head_gradient") if name in frame} | {value}
    columns = {
        name: frame[name].to_numpy()[here] for name in named
    }  # far sooner than a frame of them
    values = {label: _by_seed(columns, label, value, where) for label in (a, b)}
    seeds = sorted({seed for found in values.values() for seed in found})
    for label, found in values.items():
        if lacking := [str(seed) for seed in seeds if seed not in found]:
            msg = (
                f"{a} and {b} must have the same seeds on {where}: {label} lacks "
                f"{', '.join(lacking)}"
            )
            raise ConfigError(msg)
    difference = paired_difference(*([found[s] for s in seeds] for found in values.values()))
    p_value = difference.p_value
    mean, half, n = difference.mean, difference.half, difference.n
    asked = np.isin(columns["label"].astype(object), [a, b])
    note = rounding_note(columns["head_gradient"][asked]) if "head_gradient" in columns else ""
    return Verdict(a, b, where, value, mean, half, p_value, p_value, n, note=note)


def compare_all(
    frame: pd.DataFrame, labels: Sequence[str], b: str, value: str = "test.accuracy"
) -> list[Verdict]:
    """Compare each of `labels` with `b` under every condition, and correct for their number.

    Parameters and errors as in `compare`. The p-values are adjusted together by Holm's method.
    """
    conditions = list(dict.fromkeys(frame["condition"]))
    return together(compare(frame, a, b, value, where) for where in conditions for a in labels)


def together(verdicts: Iterable[Verdict]) -> list[Verdict]:
    """Return verdicts that answer one question, their p-values adjusted by Holm's method."""
    found = list(verdicts)
    tested = [i for i, v in enumerate(found) if not math.isnan(v.p_value)]
    adjusted = holm([found[i].p_value for i in tested])
    for i, p_value in zip(tested, adjusted, strict=True):
        found[i] = replace(found[i], adjusted=p_value, family=len(tested))
    return found


def tally(verdicts: Sequence[Verdict]) -> str:
    """Say in one sentence how many comparisons came out how.

    Examples
    --------
    >>> better = Verdict("mla", "concat", "emoji", "test.accuracy", 0.1, 0.05, 0.01, 0.01, 5)
    >>> tally(together([better, replace(better, a="sum", p_value=0.4)]))
    'Of 2 comparisons with concat: better: mla on emoji; no difference shown in 1 (p-values
    adjusted by Holm for 2 comparisons).'
    """
    kinds: dict[str, dict[str, list[str]]] = {}
    asked: dict[str, int] = {}
    for v in verdicts:
        kinds.setdefault(v.kind, {}).setdefault(v.a, []).append(v.where)
        asked[v.a] = asked.get(v.a, 0) + 1
    said = []
    for kind, found in kinds.items():
        if kind != "no difference":
            labels = ", ".join(
                tr("{a} on {places}", a=a, places=_places(p, asked[a])) for a, p in found.items()
            )
            said.append(tr("{kind}: {labels}", kind=tr(kind), labels=labels))
    if quiet := sum(map(len, kinds.get("no difference", {}).values())):
        said.append(tr("no difference shown in {n}", n=quiet))
    told = tr("; ").join(said)
    family = max(v.family for v in verdicts)
    if family > 1:
        told = tr("{told} (p-values adjusted by Holm for {n} comparisons)", told=told, n=family)
    whole = tr(
        "Of {comparisons} with {others}: {told}.",
        comparisons=counted(len(verdicts), tr("comparison"), tr("comparisons")),
        others=listed(list(dict.fromkeys(v.b for v in verdicts))),
        told=told,
    )
    return sentences(whole, *dict.fromkeys(v.note for v in verdicts))


def _by_seed(
    columns: dict[str, np.ndarray], label: str, value: str, where: str
) -> dict[int, float]:
    one_of(f"label on {where}", label, dict.fromkeys(columns["label"]))
    runs = columns["label"] == label
    seeds, found = columns["seed"][runs], columns[value][runs].astype(float)
    if twice := [seed for seed, times in Counter(seeds).items() if times > 1]:
        msg = f"{label} on {where} has several runs of seed {twice[0]}: choose among them on val first"
        raise ConfigError(msg)
    if (lacking := np.isnan(found)).any():
        msg = (
            f"{label} on {where} has no {value} for the seeds {', '.join(map(str, seeds[lacking]))}"
        )
        raise ConfigError(msg)
    return dict(zip(map(int, seeds), map(float, found), strict=True))


def told_p(value: float) -> str:
    """Return a p-value as it is told: none is 0."""
    return f"= {value:.3f}" if value >= 0.001 else "< 0.001"


def _places(places: Sequence[str], asked: int) -> str:
    """Name a few conditions, count many."""
    if len(places) == asked > 3:
        return tr("all {n} conditions", n=asked)
    if len(places) <= 3:
        return listed(places)
    return tr("{n} of {asked} conditions", n=len(places), asked=asked)


def listed(words: Sequence[str]) -> str:
    """Return words as a sentence has them: ``"a, b and c"``."""
    *first, last = words
    return tr("{names} and {last}", names=", ".join(first), last=last) if first else last
