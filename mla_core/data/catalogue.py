"""Data sets by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import lru_cache
from typing import Any, get_type_hints

from mla_core.data.dataset import MultimodalDataset
from mla_core.errors import ConfigError, nearest
from mla_core.outside import check_kind
from mla_core.plugins import Registry
from mla_core.references import user_named

# A loader is imported when its data set is asked for.
DATASETS: Registry[Callable[..., Any]] = Registry(
    "dataset",
    "datasets",
    {
        "spoken_digits": (
            "mla_core.data.sets.spoken_digits:load_spoken_digits",
            "image, audio and text of ten digits (shipped)",
        ),
        "gaussian": (
            "mla_core.data.sets.gaussian:load_gaussian",
            "generated, any number of modalities, with known Bayes accuracy",
        ),
        "array_file": (
            "mla_core.data.sets.array_file:load_array_file",
            "vectors from an array file (.npz), such as frozen CLIP features",
        ),
        "mnist_speech": (
            "mla_core.data.sets.mnist_speech:load_mnist_speech",
            "MNIST with speech: image and audio of ten classes",
        ),
        "emoji": (
            "mla_core.data.sets.emoji:load_emoji",
            "picture and name (with speech=True the spoken name, too) in nine categories",
        ),
        "handwritten_views": (
            "mla_core.data.sets.handwritten_views:load_handwritten_views",
            "six views of handwritten digits, ten classes",
        ),
        "manifest": (
            "mla_core.data.sets.manifest:load_manifest",
            "your own files, as a manifest lists them (see mla-lab data init)",
        ),
        "watch": (
            "mla_core.data.sets.watch:load_watch",
            "exercises: accelerometer and gyroscope of seven classes",
        ),
        "cremad": (
            "mla_core.data.adapters.cremad:load_cremad",
            "CREMA-D: 91 actors in six moods, as sound and video (your own copy)",
        ),
        "kinetics_sounds": (
            "mla_core.data.adapters.kinetics_sounds:load_kinetics_sounds",
            "Kinetics-Sounds: clips of 31 classes, as sound and video (your own copy)",
        ),
        "food101": (
            "mla_core.data.adapters.food101:load_food101",
            "UPMC Food-101: pictures and titles of 101 dishes (your own copy)",
        ),
        "mvsa": (
            "mla_core.data.adapters.mvsa:load_mvsa",
            "MVSA-Single: tweets and their pictures in three moods (your own copy)",
        ),
        "iemocap": (
            "mla_core.data.adapters.iemocap:load_iemocap",
            "IEMOCAP: dialogues in four moods, as sound, text and video (your own copy)",
        ),
        "fsdd_mnist": (
            "mla_core.data.adapters.fsdd_mnist:load_fsdd_mnist",
            "real speech and real handwriting, paired by digit (your own copies)",
        ),
    },
    check="mla_core.data.catalogue:check_loader",
)

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


# What the others hold, so that a slip in a name shows before anything is loaded.
_MODALITIES: dict[str, tuple[str, ...]] = {
    "spoken_digits": ("image", "audio", "text"),
    "mnist_speech": ("image", "audio"),
    "emoji": ("image", "text"),
    "handwritten_views": ("fac", "fou", "kar", "mor", "pix", "zer"),
    "watch": ("accelerometer", "gyroscope"),
}


def modalities_of(name: str, options: Mapping[str, Any]) -> tuple[str, ...] | None:
    """Return the modalities of a data set that loads the same ones everywhere; None of others.

    Nothing is loaded.

    Examples
    --------
    >>> modalities_of("gaussian", {"modalities": 2}), modalities_of("manifest", {})
    (('m0', 'm1'), None)
    """
    if name == "gaussian":
        return tuple(f"m{m}" for m in range(options.get("modalities", 3)))
    spoken = ("audio",) if name == "emoji" and options.get("speech") else ()
    return _MODALITIES[name] + spoken if name in _MODALITIES else None


def check_loader(name: str, loader: object) -> None:
    """Raise `ConfigError` unless a guest can be called; what it loads is checked when it does."""
    if not callable(loader):
        msg = (
            f"dataset {name!r} must be a function that returns a MultimodalDataset, not {loader!r}"
        )
        raise ConfigError(msg)


def check_options(name: str, options: Mapping[str, object]) -> None:
    """Hold options of a data set against what its loader's signature says of each.

    Nothing is said of a data set whose code may not be imported.

    Raises
    ------
    ConfigError
        When it has no option of that name, or not of that kind.

    Examples
    --------
    >>> check_options("gaussian", {"sizes": [60, 20, "20"]})
    Traceback (most recent call last):
    mla_core.errors.ConfigError: option 'sizes' of data set 'gaussian' must be three whole numbers
    from 1 to 10,000,000 (train, val, test), not [60, 20, '20']
    """
    if not DATASETS.known(name):
        return
    if not options:
        return
    loader = DATASETS[name]
    read = _signature if isinstance(loader, Hashable) else _signature.__wrapped__
    known, takes_any, kinds = read(loader)
    for option, value in options.items():
        if option not in known and not takes_any:
            close = nearest(option, known)
            hint = f" (did you mean {close!r}?)" if close else ""
            allowed = f"choose among {list(known)}{hint}" if known else "it has none"
            msg = f"data set {name!r} has no option {option!r}: {allowed}"
            raise ConfigError(msg)
        if option in kinds:
            check_kind(f"option {option!r} of data set {name!r}", value, kinds[option])


@lru_cache(64)
def _signature(loader: Callable[..., Any]) -> tuple[Sequence[str], bool, dict[str, Any]]:
    """Return the names of the options, whether any other is taken, and the kind of each that has one."""
    parameters = inspect.signature(loader).parameters
    takes_any = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    try:
        kinds = get_type_hints(loader, include_extras=True)
    except (NameError, TypeError):  # a guest's, which names what is not there while it runs
        kinds = {}
    return list(parameters), takes_any, kinds


def load_dataset(name: str, **options: object) -> MultimodalDataset:
    """Return a data set by name.

    Parameters
    ----------
    name : str
        One of `DATASETS`, such as ``"spoken_digits"``, or ``"module:function"`` of your own.
    **options
        Of that data set's loader, such as ``noise``; an unknown one raises.

    Raises
    ------
    ConfigError
        For an unknown name or option, with the allowed ones; or when a function of your own
        returns no `MultimodalDataset`.

    Examples
    --------
    >>> load_dataset("gaussian", modalities=2, sizes=(60, 20, 20))
    MultimodalDataset('gaussian': m0, m1; train 60, val 20, test 20)
    """
    user_named(name)
    DATASETS.check_name(name)
    check_options(name, options)
    data = DATASETS[name](**options)
    if not isinstance(data, MultimodalDataset):
        msg = f"dataset {name!r} must return a MultimodalDataset, not {type(data).__name__}"
        raise ConfigError(msg)
    return data
