"""Which choice of a question holds, computed from the numbers at hand, and the numbers in words."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from mla_core.errors import ConfigError
from mla_core.language import later, tr
from mla_core.words import sentence, sentences

HOW_MANY = (
    later("none"),
    later("fewer than a quarter"),
    later("a quarter to a half"),
    later("more than half"),
)
RANGES = (later("below {high}"), later("{low} to {high}"), later("{low} or more"))
NUMBER = r"-?[\d.]+(?:e[+-]\d+)?"


def highest(values: Mapping[str, float], form: str = "{:.1%}") -> tuple[str, str]:
    """Return the name with the highest value, and a sentence with all values.

    Parameters
    ----------
    values : mapping of str to float
        At least one is a number; NaN (a modality that no sample has) is told as absent.
    form : str
        How a value is told.

    Returns
    -------
    tuple of str
        Name and sentence. Of equal ones the first, and the sentence says so.

    Raises
    ------
    ConfigError
        When there is no number among the values.

    Examples
    --------
    >>> highest({"image": 0.96, "audio": 0.71, "text": float("nan")})
    ('image', 'image 96.0%, audio 71.0%, text absent.')
    """
    return _extreme(max, values, form)


def lowest(values: Mapping[str, float], form: str = "{:.1%}") -> tuple[str, str]:
    """Return the name with the lowest value, and a sentence with all values; see `highest`.

    Examples
    --------
    >>> lowest({"image": 0.7, "audio": 0.7})
    ('image', 'image 70.0%, audio 70.0%. Equal: image and audio.')
    """
    return _extreme(min, values, form)


def ranges(edges: Sequence[float]) -> list[str]:
    """Return choices: the ranges that growing `edges` cut a line into; the prompt names the unit.

    Examples
    --------
    >>> ranges([-1, 1])
    ['below -1', '-1 to 1', '1 or more']
    """
    pairs = list(itertools.pairwise(edges))
    if not edges or any(low >= high for low, high in pairs):
        raise ConfigError(f"the edges of ranges must grow, unlike {list(edges)}")
    below, between, above = RANGES
    ends = [(f"{low:g}", f"{high:g}") for low, high in pairs]
    return [
        below.format(high=f"{edges[0]:g}"),
        *(between.format(low=low, high=high) for low, high in ends),
        above.format(low=f"{edges[-1]:g}"),
    ]


def shown(choice: str) -> str:
    """Return a choice as a reader sees it, in the present language; the choice itself stays a key.

    Examples
    --------
    >>> shown("-1 to 1"), shown("none"), shown("audio")
    ('-1 to 1', 'none', 'audio')
    """
    for message in RANGES:
        ends = {name: f"(?P<{name}>{NUMBER})" for name in ("low", "high")}
        if found := re.fullmatch(message.format(**ends), choice):
            return tr(message, **found.groupdict())
    return tr(choice)


def in_range(value: float, edges: Sequence[float], unit: str) -> tuple[str, str]:
    """Return the one of `ranges` that `value` lies in (an edge belongs above), and the value.

    Examples
    --------
    >>> in_range(5.0, [1, 5], "points")
    ('5 or more', 'It is 5.0 points.')
    """
    if math.isnan(value):
        raise ConfigError(f"there is no number of {unit} to place between {list(edges)}")
    told = tr("It is {value:.1f} {unit}.", value=value, unit=unit)
    return ranges(edges)[sum(value >= edge for edge in edges)], told


def how_many(flags: Iterable[bool], things: str) -> tuple[str, str]:
    """Return which of `HOW_MANY` holds, and the count in words.

    Examples
    --------
    >>> how_many([True, False, False], "comparisons")
    ('a quarter to a half', '1 of 3 comparisons.')
    """
    known = [bool(flag) for flag in flags]
    if not known:
        raise ConfigError(f"there are no {things} to count")
    count, n = sum(known), len(known)
    place = 0 if count == 0 else 1 + (4 * count >= n) + (2 * count > n)
    return HOW_MANY[place], tr("{count} of {n} {things}.", count=count, n=n, things=tr(things))


def one_run(seed: int) -> str:
    """Return what must be said with every finding of a single run.

    Examples
    --------
    >>> one_run(3)
    'This is one run (seed 3): another seed may say otherwise.'
    """
    return tr("This is one run (seed {seed}): another seed may say otherwise.", seed=seed)


def _extreme(
    choose: Callable[[Iterable[float]], float], values: Mapping[str, float], form: str
) -> tuple[str, str]:
    known = [value for value in values.values() if not math.isnan(value)]
    if not known:
        raise ConfigError(f"there is no number to compare among {list(values)}")
    best = choose(known)
    told = ", ".join(
        f"{name} {tr('absent') if math.isnan(value) else form.format(value)}"
        for name, value in values.items()
    )
    equal = [name for name, value in values.items() if value == best]
    names = tr(" and ").join(equal)
    also = tr("Equal: {names}.", names=names) if len(equal) > 1 else ""
    return equal[0], sentences(sentence(told), also)
