"""Tables of settings in which a list is an axis, and what a point of them runs."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from mla_core.catalogue import idle_settings
from mla_core.config import ExperimentConfig, check_names
from mla_core.data import modalities_of
from mla_core.errors import ConfigError, DataError, one_of, quoted
from mla_core.outside import check_plain, path_of

Axes = dict[str, list[Any]]  # a setting -> its values
What = ExperimentConfig | dict[str, Any]  # a configuration, or all parameters of a notebook
_DEFAULTS = ExperimentConfig()


def notebook_at(given: object, specification: Path) -> Path:
    """Return the notebook that a specification names, from here or from the folder above its own."""
    if not isinstance(given, str):
        msg = f"notebook must be the path of a notebook, not {quoted(given)}"
        raise ConfigError(msg)
    places = [path_of("notebook", given), specification.resolve().parent.parent / given]
    for place in places:
        if place.is_file():
            return place
    msg = f"there is no notebook {' or '.join(repr(str(place)) for place in places)}"
    raise ConfigError(msg)


def allowed_settings(notebook: Path | None) -> list[str]:
    """Return the names that a table may hold: settings, or the parameters of a notebook."""
    if notebook is None:
        return [field.name for field in fields(ExperimentConfig)]
    from mla_core.runs.notebook import check_parameters
    from mla_core.runs.notebook_file import check_kernel

    check_kernel(notebook)
    return list(check_parameters(notebook, {}))


def check_table(table: object, entry: str) -> Mapping[str, Any]:
    """Raise `ConfigError` unless this is a table of settings."""
    if not isinstance(table, dict):
        msg = f"{entry} must be a table of settings, not {quoted(table)}"
        raise ConfigError(msg)
    return table


def axes_in(table: object, entry: str, allowed: Sequence[str]) -> Axes:
    """Return the values of each setting in a table; one that is no list is an axis of one value.

    Raises
    ------
    ConfigError
        Naming the entry of the specification, the setting, and what is allowed.
    """
    table = check_table(table, entry)
    for name, value in table.items():
        one_of(f"setting in {entry}:", name, allowed)
        if value == []:
            msg = f"{entry}: {name} is an empty list: give at least one value, or [[]] for a list"
            raise ConfigError(msg)
        check_plain(f"{entry}: {name}", value)  # TOML knows dates, and NaN
    return {name: v if isinstance(v, list) else [v] for name, v in table.items()}


def points(axes: Axes) -> Iterator[dict[str, Any]]:
    """Yield every combination of values, the last axis the fastest."""
    for values in itertools.product(*axes.values()):
        yield dict(zip(axes, values, strict=True))


def configured(
    settings: dict[str, Any], notebook: Path | None, entry: str, told: Mapping[str, Any]
) -> What:
    """Return what one point of a table runs.

    Parameters
    ----------
    settings : dict
    notebook : Path or None
    entry : str
        Where it stands in the specification.
    told : mapping
        What sets the point apart from the others, which an error names.
    """
    try:
        return _configuration(settings, notebook)
    except (ConfigError, DataError) as error:
        point = ", ".join(f"{name} = {quoted(value)}" for name, value in told.items())
        msg = f"{entry}{point and f' with {point}'}: {error}"
        raise ConfigError(msg) from error


def _configuration(settings: dict[str, Any], notebook: Path | None) -> What:
    if notebook is None:
        check_names(settings)
        configuration = ExperimentConfig(**settings)  # who writes what to run may name code
        if names := modalities_of(configuration.dataset, configuration.dataset_options):
            configuration.check_modalities(names)
        # What the method does not obey must not make two runs of one.
        idle = idle_settings(configuration.method)
        return configuration.replace(**{name: getattr(_DEFAULTS, name) for name in idle})
    from mla_core.runs.notebook import check_parameters

    return check_parameters(notebook, settings)
