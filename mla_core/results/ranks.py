"""All methods at once: mean ranks, and how far apart two of them must be to be told apart."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mla_core.errors import ConfigError
from mla_core.results.significance import CONFIDENCE
from mla_core.results.verdict import measure_of

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class MeanRanks:
    """Where every label stands on average, 1 being the best.

    Attributes
    ----------
    mean : dict of str to float
        The label's mean rank over all blocks, from the best to the last.
    blocks : int
        N: a block is one seed under one condition, in which all labels are ranked.
    p_value : float
        Of Friedman's test that all labels have the same mean rank.
    critical : float
        Nemenyi's critical difference: two labels whose mean ranks are further apart differ.
    left_out : tuple of str
        Labels that lack a value in some block.
    """

    mean: dict[str, float]
    blocks: int
    p_value: float
    critical: float
    left_out: tuple[str, ...]

    def not_behind(self, label: str) -> list[str]:
        """Return the labels that `label` cannot be told to be ahead of, itself left out."""
        limit = self.mean[label] + self.critical
        return [one for one, rank in self.mean.items() if one != label and rank <= limit]


def mean_ranks(frame: pd.DataFrame, value: str = "test.accuracy") -> MeanRanks:
    """Rank all labels within every seed of every condition; the means with Friedman and Nemenyi.

    Parameters
    ----------
    frame : DataFrame
        One run per label, condition and seed.
    value : str
        A column in which more or less is better. Equal values share the mean of their ranks.

    Returns
    -------
    MeanRanks

    Raises
    ------
    ConfigError
        For fewer than three labels or two blocks, for several runs of one block, and for a column
        in which neither more nor less is better.

    Notes
    -----
    With k labels and N blocks the critical difference is ``q sqrt(k (k + 1) / (6 N))``, q the
    0.95 quantile of the studentised range for k and infinitely many degrees of freedom, divided by
    ``sqrt(2)``; Demsar, "Statistical comparisons of classifiers over multiple data sets", JMLR 7,
    2006. There a block is a data set. Here it is a seed, so it is data drawn anew where the condition
    does that, and another training on the same data where it does not. The more labels are ranked
    together, the further apart two of them must be: paired differences of few see more.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"label": list("abc") * 4, "condition": "emoji"})
    >>> frame["seed"] = [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]
    >>> frame["test.accuracy"] = [0.9, 0.5, 0.4] * 4
    >>> found = mean_ranks(frame)
    >>> found.mean, found.blocks, round(found.critical, 3)
    ({'a': 1.0, 'b': 2.0, 'c': 3.0}, 4, 1.657)
    >>> found.not_behind("a")
    ['b']
    """
    from scipy import stats

    sign = measure_of(value).sign
    if not sign:
        msg = f"{value!r} cannot be ranked: neither more nor less of it is better"
        raise ConfigError(msg)
    block = ["condition", "seed"]
    if frame.duplicated(["label", *block]).any():
        msg = "there are several runs of one label, condition and seed: choose among them first"
        raise ConfigError(msg)
    values = frame.pivot_table(value, block, "label", dropna=False, observed=True)
    values = values.dropna(how="all")  # combinations that nobody asked for
    kept = values.dropna(axis="columns")
    n, k = kept.shape
    if k < 3 or n < 2:
        msg = f"ranks need three labels or more in two seeds or more: there are {k} in {n}"
        raise ConfigError(msg)
    mean = (-sign * kept).rank(axis="columns").mean().sort_values(kind="stable")
    quantile = stats.studentized_range.ppf(CONFIDENCE, k, math.inf) / math.sqrt(2)
    return MeanRanks(
        {str(label): float(rank) for label, rank in mean.items()},
        n,
        float(stats.friedmanchisquare(*(kept[label] for label in kept)).pvalue),
        float(quantile * math.sqrt(k * (k + 1) / (6 * n))),
        tuple(str(label) for label in values if label not in kept),
    )
