"""Whether runs were trained on what their configurations read now.

A run is named by its configuration, which may name data by a path. What lies there may be something
else by the time the run is asked for again: its old numbers are not those of the new data. And a run
folder may come from anybody, who may have named any file of this machine.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

from mla_core.config import ExperimentConfig
from mla_core.data import DATASETS, MultimodalDataset
from mla_core.errors import ConfigError, DataError
from mla_core.named_data import can_change, data_of, whole_data_of
from mla_core.results import read_run_files
from mla_core.runs.finished import Run, check_finished, read_run


def short(data: MultimodalDataset) -> str:
    """Return the digits of a fingerprint that runs and checkpoints note."""
    return data.fingerprint[:12]


def refuse_other(what: str, known: str, now: str) -> None:
    """Raise `ConfigError` when the data of a run or a checkpoint are not those that are there now.

    Parameters
    ----------
    what : str
        Such as ``"the run 'runs/0123456789ab'"``.
    known, now : str
        The fingerprint that it notes; that of the data now.
    """
    if known != now:
        msg = (
            f"{what}: trained on other data than its configuration reads now (fingerprint {known} "
            f"then, {now} now). Choose another folder for runs, or remove this one to train anew"
        )
        raise ConfigError(msg)


def refuse_other_data(runs: Mapping[Path, ExperimentConfig | None]) -> None:
    """Raise an error when one of these finished runs is not what it was, or trained on other data.

    Data are looked at only where they can change, each data set once.

    Parameters
    ----------
    runs : mapping of Path to ExperimentConfig or None
        Folders of finished runs; None for those of notebooks, which say themselves what they
        trained, if anything.
    """
    changing: dict[str, dict[Path, ExperimentConfig]] = {}
    for folder, given in runs.items():
        check_finished(folder, given)
        config = given or _noted(folder)
        if config is not None and can_change(config):
            whole = json.dumps([config.dataset, config.data_options()], sort_keys=True)
            changing.setdefault(whole, {})[folder] = config
    for group in changing.values():
        any_one = next(iter(group.values()))
        data = whole_data_of(any_one)
        found: dict[str, str] = {}  # what is taken away of it -> fingerprint of the rest
        for folder, config in group.items():
            seed = config.seed if config.missing or config.label_noise else 0
            less = json.dumps([config.modalities, config.missing, config.label_noise, seed])
            if less not in found:
                found[less] = short(data_of(config, data))
            known = read_run_files(folder)[1].get("data", found[less])
            refuse_other(f"the run {str(folder)!r}", known, found[less])


def data_of_run(run: Run) -> MultimodalDataset:
    """Return the data that a run was trained on.

    Raises
    ------
    ConfigError
        When it would make a folder for prepared data.
    DataError
        When what its configuration names here is something else, and before anything is read when
        the run does not note what it was trained on.
    """
    return data_as_noted(f"the run {str(run.folder)!r}", run.config, run.metrics.get("data"))


def data_as_noted(what: str, config: ExperimentConfig, known: object) -> MultimodalDataset:
    """Return the data that a configuration from elsewhere names, if they are those that it was run on.

    Parameters
    ----------
    what : str
        Such as ``"the run 'runs/0123456789ab'"``.
    config : ExperimentConfig
    known : object
        The fingerprint that was noted, None where there is none.

    Raises
    ------
    ConfigError, DataError
        As `data_of_run`.
    """
    if can_change(config):
        refuse_new_cache(config)
        if not isinstance(known, str) or not re.fullmatch(r"[0-9a-f]{12}", known):
            msg = (
                f"{what} does not note which data it was trained on, so no file "
                "that it names is read: train its configuration anew from a file of your own"
            )
            raise DataError(msg)
    data = data_of(config)
    if known is not None and known != short(data):
        msg = (
            f"{what} was trained on other data than its configuration names here, so it does not "
            "repeat the run either"
        )
        raise DataError(msg)
    return data


def refuse_new_cache(config: ExperimentConfig) -> None:
    """Raise `ConfigError` when a configuration from elsewhere names a folder that would be made."""
    cache = config.data_options().get("cache")
    if isinstance(cache, str) and cache and not Path(cache).is_dir():
        msg = (
            f"the configuration keeps prepared data in {cache!r}, which is not there: make that "
            "folder yourself, or take `cache` out of the dataset_options"
        )
        raise ConfigError(msg)


def _noted(folder: Path) -> ExperimentConfig | None:
    """Return what a notebook trained; None where it did not, or with code that is not ours."""
    try:
        config = read_run(folder).config
    except DataError:
        return None
    return config if DATASETS.known(config.dataset) else None
