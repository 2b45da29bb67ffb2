"""How sure a mean over seeds is, and whether two methods differ: Student's t and Holm's steps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from mla_core.errors import ConfigError

CONFIDENCE = 0.95
POWER = 0.8  # of what a test is said to be able to see

ENOUGH = 5  # seeds, below which a table or a sentence says how few there are


@dataclass(frozen=True)
class PairedDifference:
    """How much higher one method is than another on the same seeds.

    Attributes
    ----------
    mean : float
        Of the differences a - b.
    half : float
        Half the width of the 95 % interval around `mean`; NaN for one seed.
    p_value : float
        Two-sided; NaN for one seed, since one difference tests nothing.
    n : int
        Seeds.
    """

    mean: float
    half: float
    p_value: float
    n: int


def mean_interval(values: Sequence[float]) -> tuple[float, float]:
    """Return the mean and half the width of its 95 % Student t-interval.

    Parameters
    ----------
    values : sequence of float
        n >= 1 independent values, such as the test accuracies of n seeds.

    Returns
    -------
    mean, half : float
        ``mean = sum(x) / n`` and ``half = t(0.975; n - 1) * s / sqrt(n)`` with the sample standard
        deviation ``s = sqrt(sum((x - mean)^2) / (n - 1))``. One value says nothing about its
        spread: `half` is NaN. A value that is not finite makes both NaN.

    Raises
    ------
    ConfigError
        Without a value.

    Notes
    -----
    Student, "The probable error of a mean", Biometrika 6, 1908.

    Examples
    --------
    >>> mean, half = mean_interval([0.5, 0.6, 0.7])
    >>> round(mean, 3), round(half, 3)
    (0.6, 0.248)
    >>> mean_interval([0.5])
    (0.5, nan)
    """
    from scipy.special import stdtrit  # the quantile alone; scipy.stats takes a second to import

    mean, error = _mean_and_error(values)
    if error == 0.0 or math.isnan(error):
        return mean, error
    return mean, float(stdtrit(len(values) - 1, (1 + CONFIDENCE) / 2)) * error


def paired_difference(a: Sequence[float], b: Sequence[float]) -> PairedDifference:
    """Compare two methods seed by seed with the paired t-test.

    Parameters
    ----------
    a, b : sequence of float
        n values each; ``a[i]`` and ``b[i]`` belong to the same seed.

    Returns
    -------
    PairedDifference
        With ``d = a - b``: the mean of d, its interval as in `mean_interval`, and the p-value of
        ``t = mean(d) / (s_d / sqrt(n))`` with n - 1 degrees of freedom. Differences without any
        spread, as shares of few samples may have, give an interval of width 0 and the p-value of
        the sign test, ``2^(1 - n)``; 1 when they are all 0.

    Raises
    ------
    ConfigError
        When the lengths differ, or without a value.

    Examples
    --------
    >>> paired_difference([0.5, 0.5], [0.5, 0.5])
    PairedDifference(mean=0.0, half=0.0, p_value=1.0, n=2)
    >>> paired_difference([0.8, 0.7, 0.9], [0.7, 0.5, 0.8]).p_value < 0.06
    True
    """
    from scipy.special import stdtr

    if len(a) != len(b):
        msg = f"paired values must come in pairs, not {len(a)} and {len(b)} of them"
        raise ConfigError(msg)
    differences = [x - y for x, y in zip(a, b, strict=True)]
    mean, half = mean_interval(differences)
    _, error = _mean_and_error(differences)
    if error <= 1e-9 * abs(mean):  # equal but for rounding: a t-test would be sure of itself
        p_value = 1.0 if mean == 0.0 else 2.0 ** (1 - len(a))
    else:
        p_value = float(2 * stdtr(len(a) - 1, -abs(mean / error)))
    return PairedDifference(mean, half, p_value, len(a))


def detectable_difference(half: float, n: int, level: float = 1 - CONFIDENCE) -> float:
    """Return the smallest true difference that a paired t-test of such values would mostly show.

    Parameters
    ----------
    half : float
        Half the width of the 95 % interval around the mean difference, as `paired_difference` has it.
    n : int
        Seeds.
    level : float
        Of the test; 0.05 divided by their number where several are corrected together, as Holm's
        first step does.

    Returns
    -------
    float
        ``c * s / sqrt(n)``, where the non-central t-distribution with n - 1 degrees of freedom and
        the non-centrality c lies beyond the two-sided critical value in 80 % of cases (the tail on
        the other side does not count). NaN where there is no interval, 0 where it has no width.

    Notes
    -----
    Cohen, "Statistical Power Analysis for the Behavioral Sciences", 2nd ed., 1988, chapter 2. For
    ten seeds at the level 0.05 it is 1.4 times `half`.

    Examples
    --------
    >>> round(detectable_difference(1.0, 10), 2)
    1.39
    """
    from scipy.special import nctdtrinc, stdtrit

    if n < 2 or math.isnan(half):
        return math.nan
    error = half / float(stdtrit(n - 1, (1 + CONFIDENCE) / 2))
    critical = float(stdtrit(n - 1, 1 - level / 2))
    return float(nctdtrinc(n - 1, 1 - POWER, critical)) * error


def holm(p_values: Sequence[float]) -> list[float]:
    """Return the p-values adjusted for their number, in the given order.

    Parameters
    ----------
    p_values : sequence of float
        m values from 0 to 1, one per comparison.

    Returns
    -------
    list of float
        For the k-th smallest ``max over j <= k of min(1, (m - j + 1) p_j)``: all comparisons with
        an adjusted value of at most 0.05 may be claimed together at that level.

    Raises
    ------
    ConfigError
        For a value outside 0 to 1, NaN included.

    Notes
    -----
    Holm, "A simple sequentially rejective multiple test procedure", Scand. J. Statist. 6, 1979.

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    if bad := [p for p in p_values if not 0.0 <= p <= 1.0]:
        msg = f"a p-value must be from 0 to 1, not {bad[0]!r}"
        raise ConfigError(msg)
    adjusted, highest = [0.0] * len(p_values), 0.0
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    for rank, index in enumerate(order):
        highest = max(highest, min(1.0, (len(order) - rank) * p_values[index]))
        adjusted[index] = highest
    return adjusted


def _mean_and_error(values: Sequence[float]) -> tuple[float, float]:
    """Return the mean and its standard error; equal values have an error of exactly 0."""
    n = len(values)
    if n == 0:
        msg = "a mean needs at least one value, not an empty list"
        raise ConfigError(msg)
    if not all(map(math.isfinite, values)):
        return math.nan, math.nan
    if n == 1:
        return float(values[0]), math.nan
    if min(values) == max(values):  # whose computed mean may differ in the last digit
        return float(values[0]), 0.0
    mean = math.fsum(values) / n
    return mean, math.sqrt(math.fsum((x - mean) ** 2 for x in values) / (n - 1) / n)
