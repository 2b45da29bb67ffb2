"""The data that a configuration names."""

from __future__ import annotations

from weakref import WeakValueDictionary

from mla_core.config import ExperimentConfig
from mla_core.data import DATASETS, NEED_FILES, MultimodalDataset, load_dataset, shorten
from mla_core.errors import ConfigError, quoted
from mla_core.references import from_elsewhere
from mla_core.settings import hash_of


def check_given(config: object, data: object = None) -> None:
    """Raise `ConfigError` unless these are a configuration and a data set, if any."""
    if not isinstance(config, ExperimentConfig):
        msg = f"the configuration must be an ExperimentConfig, such as ExperimentConfig.from_dict returns, not {quoted(config)}"
        raise ConfigError(msg)
    if data is not None and not isinstance(data, MultimodalDataset):
        msg = f"the data must be a MultimodalDataset, such as load_dataset returns, not {quoted(data)}"
        raise ConfigError(msg)


def can_change(config: ExperimentConfig) -> bool:
    """Whether a configuration may read other data another time: files, or what a guest loads."""
    return config.dataset in NEED_FILES or config.dataset not in DATASETS.built_in


# What sessions train on now: several of one notebook share data that are the same for ever.
_IN_USE: WeakValueDictionary[str, MultimodalDataset] = WeakValueDictionary()


def whole_data_of(config: ExperimentConfig) -> MultimodalDataset:
    """Return the data that `config` names; that a configuration names them trusts nobody."""
    options = config.data_options()
    if can_change(config):
        with from_elsewhere():
            return load_dataset(config.dataset, **options)
    name = hash_of({"dataset": config.dataset, "options": options})
    data = _IN_USE.get(name)
    if data is None:
        data = _IN_USE[name] = load_dataset(config.dataset, **options)
    return data


def data_of(config: ExperimentConfig, data: MultimodalDataset | None = None) -> MultimodalDataset:
    """Return what a session trains on: the data that `config` names, or `data`, made short of parts.

    Parameters
    ----------
    config : ExperimentConfig
    data : MultimodalDataset, optional
        Whole, instead of the one that `config` names.

    Raises
    ------
    ConfigError
        For a modality that the data do not have, or where nothing of a split would be left.
    """
    whole = whole_data_of(config) if data is None else data
    config.check_modalities([*whole.modalities])
    short = shorten(
        whole,
        modalities=config.modalities,
        missing=config.missing,
        label_noise=config.label_noise,
        seed=config.seed,
    )
    for side in ("val", "test"):
        if not short.split(side).present.any():
            msg = (
                f"no sample of {side!r} has any part, so there is nothing to measure on: take "
                f"away less than missing={config.missing!r} and modalities={config.modalities!r} do"
            )
            raise ConfigError(msg)
    return short
