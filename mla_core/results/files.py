"""What came out of many runs: one long table of numbers, and where they come from."""

from __future__ import annotations

import json
import math
import os
import platform
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mla_core.config import ExperimentConfig
from mla_core.errors import ConfigError
from mla_core.files import write_json, written_whole
from mla_core.outside import path_of, read_json_text
from mla_core.results.choices import choices_beside, chosen_for
from mla_core.results.folders import is_run, read_run_files
from mla_core.results.names import with_names
from mla_core.results.tables import SETTINGS, Table
from mla_core.threads import threads
from mla_core.version import made_by, versions

if TYPE_CHECKING:
    import pandas as pd


def collect(folder: str | Path, runs: Iterable[str] | None = None) -> pd.DataFrame:
    """Gather the numbers of finished runs.

    Parameters
    ----------
    folder : str or Path
        Holds run folders.
    runs : iterable of str, optional
        Only the run folders of these names.

    Returns
    -------
    DataFrame
        One row per run, in the order of the settings: ``run``, the settings (lists and mappings as
        JSON), and everything in ``metrics.json`` under dotted names such as
        ``test.unimodal_accuracy.image``. What is null there is NaN.

    Raises
    ------
    ConfigError
        When there is no run, or one has a setting or a number that cannot go into the table.
    DataError
        Naming a file of a run that is missing or damaged.

    Examples
    --------
    >>> from mla_core import ExperimentConfig, run_experiment
    >>> out = getfixture("tmp_path")
    >>> _ = run_experiment(ExperimentConfig(dataset="gaussian", epochs=1), out)
    >>> collect(out)[["dataset", "seed", "steps"]].values.tolist()
    [['gaussian', 0, 48]]
    """
    import pandas as pd

    folder = path_of("the folder of runs", folder)
    if runs is not None:
        found = [folder / name for name in runs]
    elif folder.is_dir():
        found = sorted(filter(is_run, folder.iterdir()))
    else:
        msg = f"there is no folder {str(folder)!r}"
        raise ConfigError(msg)
    if not found:
        msg = f"no finished run in {str(folder)!r}"
        raise ConfigError(msg)
    later = _later()
    frame = pd.DataFrame([_row(run, later) for run in found])
    settings = [name for name in SETTINGS if name in frame]
    others = [name for name in frame if name not in ("run", *settings)]
    return _sorted(frame[["run", *settings, *others]])


def write(frame: pd.DataFrame, path: str | Path, provenance: Mapping[str, Any]) -> None:
    """Write a long CSV, and beside it where it comes from as ``<stem>.json``.

    Parameters
    ----------
    frame : DataFrame
        From `collect`. Its settings are written exactly, its other numbers with 6 significant
        digits.
    path : str or Path
        Ends in ``.csv``.
    provenance : mapping
        Plain JSON values; seeds, versions, commit, platform, cores and date are added, and how many
        runs each commit computed (`commits_of`), which need not be the one that gathers them here.
    """
    path = check_csv(path)
    texts = _sorted(frame)
    numbers = [n for n in texts if n not in SETTINGS and texts[n].dtype.kind == "f"]
    known = {
        "seeds": sorted({int(seed) for seed in frame["seed"]}),
        "runs": len(frame),
        "commits": commits_of(frame),
    }
    described = {**provenance, **known, **machine()}
    _write_csv(path, texts, numbers)
    write_json(path.with_suffix(".json"), described)


def commits_of(frame: pd.DataFrame) -> dict[str, int]:
    """Count the runs of a frame from `collect` by the commit that computed them.

    A run whose commit nobody noted (not from a checkout, or before 0.5.0) counts as ``""``.
    """
    column = "versions.commit"
    noted = frame[column].fillna("") if column in frame else [""] * len(frame)
    return dict(sorted(Counter(map(str, noted)).items()))


def read(path: str | Path) -> pd.DataFrame:
    """Read a long CSV that `write` has written; texts stay texts, even those made of digits.

    Raises
    ------
    ConfigError
        When there is no such file, or it is not one of these.
    """
    import pandas as pd

    defaults = ExperimentConfig().to_dict()
    plain = ["run", *(n for n, v in defaults.items() if isinstance(v, str | list | dict))]
    try:
        header = list(pd.read_csv(path, nrows=0))
        texts: Any = {n: str for n in header if n in plain or str(n).startswith("versions.")}
        frame = pd.read_csv(path, dtype=texts, keep_default_na=False, na_values=[""])
    except (OSError, ValueError) as error:
        msg = f"cannot read the results {str(path)!r}: {error}"
        raise ConfigError(msg) from error
    if missing := [name for name in ("run", "seed") if name not in frame]:
        msg = f"{str(path)!r} is not a file of results: it has no column {missing[0]!r}"
        raise ConfigError(msg)
    if frame["seed"].dtype.kind not in "iu":
        msg = f"{str(path)!r} is not a file of results: a seed is not a whole number"
        raise ConfigError(msg)
    return frame


def read_texts(path: str | Path) -> list[dict[str, str]]:
    """Read the rows of a long CSV as they stand there, every cell a text.

    Raises
    ------
    ConfigError
        As `read`.
    """
    import pandas as pd

    read(path)  # says in a sentence what is wrong with it
    frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    return [{str(k): str(v) for k, v in row.items()} for row in frame.to_dict("records")]


def settings_of(row: Mapping[str, str]) -> dict[str, Any]:
    """Return the settings of a run as plain JSON values, from its row in a CSV.

    Parameters
    ----------
    row : mapping of str to str
        From `read_texts`; settings that it lacks are those that this version brought.

    Examples
    --------
    >>> settings_of({"run": "a", "method": "mla", "seed": "3", "order": '["m1","m0"]'})
    {'method': 'mla', 'seed': 3, 'order': ['m1', 'm0']}
    """
    defaults = ExperimentConfig().to_dict()
    return {name: _value(row[name], defaults[name]) for name in SETTINGS if name in row}


def _value(text: str, default: Any) -> Any:
    if isinstance(default, str) and not text.startswith("["):  # "cyclic", or a list
        return text
    try:
        return read_json_text(text)
    except ValueError:  # a word where a number may stand, too; the configuration checks it
        return text


def load_results(folder: str | Path, name: str) -> pd.DataFrame:
    """Read ``<folder>/<name>.csv``, with the names that a reader gives to runs (`with_names`).

    Raises
    ------
    ConfigError
        Saying which command makes the file, when there is none.
    """
    path = Path(folder) / f"{name}.csv"
    if not path.is_file():
        msg = (
            f"there is no {str(path)!r}: make it in the project's folder with "
            f"`mla-lab sweep experiments/{name}.toml --jobs 2 --results results/{name}.csv`"
        )
        raise ConfigError(msg)
    return with_names(read(path), chosen_for(choices_beside(path)))


def write_cells(table: Table, path: str | Path) -> None:
    """Write the cells of a table as CSV, the means and intervals with 6 significant digits."""
    _write_csv(check_csv(path), table.cells, ["mean", "half"])


def check_csv(path: str | Path) -> Path:
    """Raise `ConfigError` unless `path` ends in ``.csv``, since more is written beside it."""
    path = Path(path)
    if path.suffix != ".csv":
        msg = f"results go to a file that ends in .csv, not {str(path)!r}"
        raise ConfigError(msg)
    return path


# ----------------------------------------------------------------------------------- gathering


def _later() -> dict[str, Any]:
    """Return the settings that a run from before they existed does not name."""
    plain = ExperimentConfig()
    named = plain.naming()
    return {k: v for k, v in plain.to_dict().items() if k not in named}


def _row(run: Path, later: Mapping[str, Any]) -> dict[str, Any]:
    settings, numbers = read_run_files(run)
    metrics = dict(_flat(numbers))
    settings = {**later, **settings}
    if unknown := [name for name in settings if name not in SETTINGS]:
        msg = (
            f"{str(run / 'config.json')!r} has the setting {unknown[0]!r}, unknown to this version"
        )
        raise ConfigError(msg)
    if twice := [name for name in metrics if name in ("run", *SETTINGS)]:
        msg = (
            f"{str(run / 'metrics.json')!r} has the number {twice[0]!r}, which is a setting's name"
        )
        raise ConfigError(msg)
    return {"run": run.name} | {k: _leaf(v) for k, v in settings.items()} | metrics


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield prefix + name, _leaf(value)


def _leaf(value: Any) -> Any:
    if isinstance(value, dict | list):
        return json.dumps(value, sort_keys=True, separators=(",", ":"))
    return math.nan if value is None else value


def _sorted(frame: pd.DataFrame) -> pd.DataFrame:
    order = [*(name for name in SETTINGS if name in frame), "run"]
    return frame.sort_values(order, kind="stable", ignore_index=True)


# ------------------------------------------------------------------------------------ writing


def _write_csv(path: Path, frame: pd.DataFrame, numbers: Iterable[Any]) -> None:
    texts = frame.copy()
    for name in numbers:
        texts[name] = [_six(value) for value in texts[name]]
    with written_whole(path) as beside:
        texts.to_csv(beside, index=False, lineterminator="\n")


def _six(value: float) -> str:
    """Six significant digits; whole numbers, counts next to a missing one, keep them all."""
    if math.isnan(value):
        return ""
    return str(int(value)) if value.is_integer() and abs(value) < 2**53 else f"{value:.6g}"


def machine() -> dict[str, Any]:
    """Return what results depend on beside their settings, as `write` notes it."""
    return {
        "versions": versions("scikit-learn") | {"python": platform.python_version()},
        "commit": made_by().get("commit", ""),
        "platform": platform.platform(),
        "cores": os.cpu_count(),
        "threads": threads(),  # of this process; sums depend on it
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }
