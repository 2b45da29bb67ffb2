"""What is compared for a claim: runs of the committed results, seed by seed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from mla_core.results.claim import Results
from mla_core.results.comparisons import compare_variants
from mla_core.results.missing_curves import masked_rate, with_rates
from mla_core.results.names import by_rule
from mla_core.results.verdict import Verdict, compare

if TYPE_CHECKING:
    import pandas as pd

MLA, OFF, ENSEMBLE = "mla (paper)", "mla (off)", "ensemble"
AS_PUBLISHED = ("paper)", "residual)")  # how the labels of equations end, beside public code's
COMPLETE = f"{MLA}, complete"
FULL, FEW = f"{ENSEMBLE}, full batches", f"{ENSEMBLE}, paired batches"
OTHERS = "test.unimodal_accuracy.the other two"


def ahead(
    stem: str, a: str | Sequence[str], others: Sequence[str], among: str = ""
) -> Callable[[Results], Iterator[Verdict]]:
    """Compare the test accuracy of labels with others', under every condition of a file.

    Where `among` says which runs are asked, only under theirs.
    """
    several = (a,) if isinstance(a, str) else a

    def comparisons(results: Results) -> Iterator[Verdict]:
        runs = results.chosen(stem)
        asked = runs.query(among) if among else runs
        for where in dict.fromkeys(asked["condition"]):
            yield from (compare(runs, a, b, where=where) for a in several for b in others)

    return comparisons


def departures(results: Results) -> Iterator[Verdict]:
    """Compare methods as their public code has them with the same as their papers have them."""
    runs = results.chosen("variants")
    papers = [label for label in dict.fromkeys(runs["label"]) if label.endswith(AS_PUBLISHED)]
    yield from compare_variants(runs, papers)


def each(stem: str, a: str, b: str, kind: str) -> Callable[[Results], Iterator[Verdict]]:
    """Compare two labels in every number of a kind that both have, under every condition."""

    def comparisons(results: Results) -> Iterator[Verdict]:
        runs = results.chosen(stem)
        runs = runs[runs["label"].isin([a, b])]
        for where, here in runs.groupby("condition", sort=False):
            for column in _whole_columns(here, kind):
                yield compare(here, a, b, column, str(where))

    return comparisons


def _whole_columns(runs: pd.DataFrame, kind: str) -> list[str]:
    """Return the columns of a kind that say something of every run."""
    return [c for c in map(str, runs) if c.startswith(kind) and runs[c].notna().all()]


def weighed(results: Results) -> Iterator[Verdict]:
    """Compare two fusion rules on the same networks."""
    runs = results.chosen("table1")
    fused = by_rule(runs[runs["label"] == MLA], ("entropy", "uniform"))
    for where in dict.fromkeys(fused["condition"]):
        yield compare(fused, f"{MLA}, entropy", f"{MLA}, uniform", where=where)


def with_many_modalities(results: Results) -> Iterator[Verdict]:
    """Compare the modification with plain alternation where four or six modalities share a head."""
    runs = results.chosen("sharing")
    for where in dict.fromkeys(runs["condition"]):
        if any(f"{n} modalities" in where for n in (4, 6)):
            yield compare(runs, MLA, OFF, where=where)


def others_unharmed(results: Results) -> Iterator[Verdict]:
    """Compare the complete modalities where another one lacks training data, and where it does not."""
    runs = with_rates(results.every("figure2"))
    runs = runs[runs["label"] == MLA]
    names = _whole_columns(runs, "test.unimodal_accuracy.")
    for masked, here in runs.groupby("masked", sort=False):
        rest = [c for c in names if not c.endswith(f".{masked}")]
        told = here[["seed"]].assign(
            label=[f"{MLA}, {100 * r:g} % missing" if r else COMPLETE for r in here["rate"]],
            condition=f"spoken_digits, {masked} missing in train",
        )
        told[OTHERS] = here[rest].mean(axis=1)
        for label in dict.fromkeys(told["label"]):
            if label != COMPLETE:
                yield compare(told, label, COMPLETE, OTHERS)


def starved(pairing: str) -> Callable[[Results], Iterator[Verdict]]:
    """Compare a shared head with none in the modality that has few samples, for one kind of turns."""

    def comparisons(results: Results) -> Iterator[Verdict]:
        runs = results.chosen("scarce")
        runs = runs[runs["pairing"] == pairing]
        for (lacking, where), here in runs.groupby(["missing", "condition"], sort=False):
            for a in (MLA, OFF):
                yield compare(here, a, ENSEMBLE, _own_accuracy(str(lacking)), str(where))

    return comparisons


def fed(*, fused: bool) -> Callable[[Results], Iterator[Verdict]]:
    """Compare an ensemble's full batches of what is scarce with turns as the samples come."""

    def comparisons(results: Results) -> Iterator[Verdict]:
        runs = results.chosen("scarce")
        runs = runs[runs["label"] == ENSEMBLE]
        for (lacking, _), here in runs.groupby(["missing", "dataset"], sort=False):
            few = here["pairing"] == "paired"
            told = here.assign(
                label=few.map({True: FEW, False: FULL}), condition=here["condition"][few].iloc[0]
            )
            yield compare(
                told, FULL, FEW, "test.accuracy" if fused else _own_accuracy(str(lacking))
            )

    return comparisons


def _own_accuracy(missing: str) -> str:
    """Return the column with the accuracy of the modality that lacks training data."""
    name, _ = masked_rate(missing)
    return f"test.unimodal_accuracy.{name}"
