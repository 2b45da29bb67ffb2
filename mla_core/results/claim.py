"""A claim, the comparisons that ask it, and what these answer together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from mla_core.results.files import load_results
from mla_core.results.tables import chosen_runs
from mla_core.results.verdict import LESS, MORE, Verdict
from mla_core.words import counted

_UNCLEAR = frozenset({"unclear"})


class Results:
    """The results of a folder, each file read once.

    Parameters
    ----------
    folder : str or Path
        With ``table1.csv`` and the others that ``make experiments`` writes.
    """

    def __init__(self, folder: str | Path) -> None:
        self.every = cache(lambda name: load_results(folder, name))
        self.chosen = cache(lambda name: chosen_runs(self.every(name)))


@dataclass(frozen=True)
class Claim:
    """A sentence of a paper, and the comparisons that ask it.

    Attributes
    ----------
    name : str
        For the command line.
    says, source : str
        The claim, and where it stands.
    asked : str
        What is compared here, and what that leaves open.
    comparisons : callable
        Results -> verdicts, in each of which ``better`` or ``higher`` speaks for the claim, and
        ``worse`` or ``lower`` against it.
    denies : bool
        Whether it claims that there is no difference, which no test can show, only contradict.
    """

    name: str
    says: str
    source: str
    asked: str
    comparisons: Callable[[Results], Iterator[Verdict]]
    denies: bool = False


@dataclass(frozen=True)
class Answer:
    """A claim, and the verdicts of its comparisons, their p-values adjusted together.

    Examples
    --------
    >>> better = Verdict("mla", "concat", "emoji", "test.accuracy", 0.1, 0.05, 0.01, 0.01, 5)
    >>> claim = Claim("wins", "It wins.", "a paper", "On the emoji.", lambda results: iter(()))
    >>> Answer(claim, [better]).word
    'holds in 1 of 1 comparison, none against'
    """

    claim: Claim
    verdicts: Sequence[Verdict]

    @property
    def word(self) -> str:
        """What the comparisons say together, in a few words."""
        support, against, unclear = (
            sum(v.kind in kinds for v in self.verdicts) for kinds in (MORE, LESS, _UNCLEAR)
        )
        of = f"of {counted(len(self.verdicts), 'comparison')}"
        rest = f", {unclear} unclear" if unclear else ""
        if support and against:
            return f"mixed: {support} {of} for it, {against} against{rest}"
        if against:
            return f"contradicted in {against} {of}, holds in none{rest}"
        if support:
            return f"holds in {support} {of}, none against{rest}"
        word = "not contradicted" if self.claim.denies else "not seen"
        return f"{word}: a difference is shown in none {of}{rest}"

    @property
    def support(self) -> list[Verdict]:
        """The verdicts that speak for the claim, the surest first."""
        return self._surest(MORE)

    @property
    def against(self) -> list[Verdict]:
        """Those that speak against it; where it denies a difference, those that are unclear may, too."""
        return self._surest(LESS | _UNCLEAR if self.claim.denies else LESS)

    def _surest(self, kinds: frozenset[str]) -> list[Verdict]:
        found = [v for v in self.verdicts if v.kind in kinds]
        return sorted(found, key=lambda v: v.adjusted)

    def __str__(self) -> str:
        sentences = "\n".join(f"- {verdict}" for verdict in self.verdicts)
        return f"{self.claim.says} ({self.claim.source}).\n{self.word}:\n{sentences}"
