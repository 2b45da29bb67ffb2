"""Models of the package `transformers`, by folder or by name on the Hugging Face Hub."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mla_core.errors import ConfigError

EXTRA = "pip install -e '.[transformers]'"


def require_transformers(name: str, hint: str = "") -> Any:
    """Return the package, or raise `ConfigError` with the command that installs it.

    Parameters
    ----------
    name : str
        Of the model that needs it.
    hint : str
        What there is without it.
    """
    try:
        import transformers
    except ImportError as error:
        msg = (
            f"{name!r} is a pretrained model, which needs the package transformers: {EXTRA}. {hint}"
        )
        raise ConfigError(msg.rstrip(". ")) from error
    return transformers


def source_of(name: str) -> str:
    """Return the folder that is meant, or the name on the Hub."""
    folder = Path(name).expanduser()
    if folder.is_dir():
        return str(folder)
    if name.startswith((".", "/", "~")) or name.count("/") > 1 or "\\" in name:
        msg = f"there is no folder {name!r} with a pretrained model"
        raise ConfigError(msg)
    return name


def unreadable(name: str, error: Exception, hint: str = "give") -> ConfigError:
    """Return the error that says what is wrong with a model's files, and what there is.

    Parameters
    ----------
    name : str
    error : Exception
    hint : str
        What else could be given; a folder and a name on the Hub follow it.
    """
    reason = " ".join(str(error).split())
    return ConfigError(
        f"cannot load the pretrained model {name!r}: {reason} ({hint} a folder with config.json "
        "and model.safetensors, or a name on the Hugging Face Hub; pickled weights need "
        "'allow_pickle': True)"
    )


@contextmanager
def quiet(transformers: Any) -> Iterator[None]:
    """Keep its loading reports to itself: what matters in them raises here."""
    logs = transformers.utils.logging
    level, bar = logs.get_verbosity(), logs.is_progress_bar_enabled()
    logs.set_verbosity_error()
    logs.disable_progress_bar()
    try:
        yield
    finally:
        logs.set_verbosity(level)
        if bar:
            logs.enable_progress_bar()
