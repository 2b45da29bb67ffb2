"""Data sets by name."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable

from mla_core.data.dataset import MultimodalDataset
from mla_core.errors import ConfigError, one_of

# name -> (module, function): a loader is imported when its data set is asked for.
DATASETS: dict[str, tuple[str, str]] = {
    "spoken_digits": ("mla_core.data.sets.spoken_digits", "load_spoken_digits"),
    "gaussian": ("mla_core.data.sets.gaussian", "load_gaussian"),
    "array_file": ("mla_core.data.sets.array_file", "load_array_file"),
    "mnist_speech": ("mla_core.data.sets.mnist_speech", "load_mnist_speech"),
    "emoji": ("mla_core.data.sets.emoji", "load_emoji"),
    "handwritten_views": ("mla_core.data.sets.handwritten_views", "load_handwritten_views"),
    "manifest": ("mla_core.data.sets.manifest", "load_manifest"),
    "watch": ("mla_core.data.sets.watch", "load_watch"),
    "cremad": ("mla_core.data.adapters.cremad", "load_cremad"),
    "kinetics_sounds": ("mla_core.data.adapters.kinetics_sounds", "load_kinetics_sounds"),
    "food101": ("mla_core.data.adapters.food101", "load_food101"),
    "mvsa": ("mla_core.data.adapters.mvsa", "load_mvsa"),
    "iemocap": ("mla_core.data.adapters.iemocap", "load_iemocap"),
    "fsdd_mnist": ("mla_core.data.adapters.fsdd_mnist", "load_fsdd_mnist"),
}

# These read the user's own files, and load nothing without an option that says where.
NEED_FILES = frozenset(
    {
        "array_file",
        "manifest",
        "cremad",
        "kinetics_sounds",
        "food101",
        "mvsa",
        "iemocap",
        "fsdd_mnist",
    }
)


def loader(name: str) -> Callable[..., MultimodalDataset]:
    """Return the function that loads the data set called `name`."""
    one_of("dataset", name, DATASETS)
    module, function = DATASETS[name]
    found: Callable[..., MultimodalDataset] = getattr(importlib.import_module(module), function)
    return found


def check_options(name: str, options: dict[str, object]) -> None:
    """Raise `ConfigError` when the data set has no option of that name."""
    allowed = list(inspect.signature(loader(name)).parameters)
    for option in options:
        if option not in allowed:
            msg = f"data set {name!r} has no option {option!r}: choose among {allowed}"
            raise ConfigError(msg)


def load_dataset(name: str, **options: object) -> MultimodalDataset:
    """Return a data set by name.

    Parameters
    ----------
    name : str
        One of `DATASETS`, such as ``"spoken_digits"``.
    **options
        Of that data set's loader, such as ``noise``; an unknown one raises.

    Raises
    ------
    ConfigError
        For an unknown name or option, with the allowed ones.

    Examples
    --------
    >>> load_dataset("gaussian", modalities=2, sizes=(60, 20, 20))
    MultimodalDataset('gaussian': m0, m1; train 60, val 20, test 20)
    """
    check_options(name, options)
    return loader(name)(**options)
