"""Runs along a missing rate, in the long form that curves are drawn from."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from mla_core.errors import ConfigError

if TYPE_CHECKING:
    import pandas as pd

_CURVE = "test.missing_curve."


def with_rates(frame: pd.DataFrame) -> pd.DataFrame:
    """Return runs along the rate at which parts are missing, those on complete data as the rate 0.

    Parameters
    ----------
    frame : DataFrame
        From `mla_core.results.load_results`: of every method and seed runs with the setting
        `missing`, and one without on the same data.

    Returns
    -------
    DataFrame
        With ``rate`` (0..1), and ``masked``: which modality loses parts, ``all`` for each of them.
        A run on complete data begins the curve of each. The condition is the data set.

    Raises
    ------
    ConfigError
        When the rate of a run is not one number, or a run has no counterpart on complete data.
    """
    import pandas as pd

    whole = frame["missing"] == "{}"
    less = frame[~whole]
    places = [masked_rate(value) for value in less["missing"]]
    names = {"masked": [m for m, _ in places], "rate": [r for _, r in places]}
    masked = pd.concat([less, pd.DataFrame(names, index=less.index)], axis=1).copy()
    same = ["label", "dataset", "seed"]
    keys = masked[[*same, "masked"]].drop_duplicates()
    zeros = keys.merge(frame[whole], on=same, how="left", validate="many_to_one").copy()
    if zeros["run"].isna().any():
        lacking = zeros[zeros["run"].isna()].iloc[0]
        msg = f"no run on complete data for {lacking['label']}, seed {lacking['seed']}"
        raise ConfigError(msg)
    zeros["rate"] = 0.0
    both = pd.concat([zeros, masked], ignore_index=True)
    both["condition"] = both["dataset"]
    return both


def at_test_only(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the accuracies of networks trained on complete data, parts missing at test only.

    Parameters
    ----------
    frame : DataFrame
        Of runs whose columns ``test.missing_curve.<rate>%`` say so.

    Returns
    -------
    DataFrame
        One row per run and rate: ``label``, ``condition``, ``seed``, ``rate``, ``test.accuracy``.
    """
    import pandas as pd

    columns = {"test.accuracy": 0.0}
    for name in map(str, frame):
        if name.startswith(_CURVE):
            columns[name] = float(name.removeprefix(_CURVE).rstrip("%")) / 100
    kept = frame[["run", "label", "condition", "seed"]]
    parts = [
        kept.assign(rate=rate).join(frame[name].rename("test.accuracy"))
        for name, rate in columns.items()
    ]
    return pd.concat(parts, ignore_index=True)


def masked_rate(missing: str) -> tuple[str, float]:
    """Return which modality loses parts, and which share of them."""
    found = set()
    for share in json.loads(missing).values():
        per = share if isinstance(share, dict) else {"all": share}
        found |= {(name, float(rate)) for name, rate in per.items()}
    if len(found) != 1:
        msg = f"the missing rate must be one number, not {missing}"
        raise ConfigError(msg)
    return next(iter(found))
