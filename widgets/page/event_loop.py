"""Where live widgets do their work: the event loop of the notebook's kernel."""

from __future__ import annotations

import asyncio

from mla_core.errors import ConfigError
from mla_core.language import tr


def notebook_loop(what: str, instead: str) -> asyncio.AbstractEventLoop:
    """Return the running event loop.

    Parameters
    ----------
    what : str
        The live widget that needs it.
    instead : str
        What to call where none runs.

    Raises
    ------
    ConfigError
        Outside a notebook, where no event loop runs.

    Examples
    --------
    >>> notebook_loop("the live bench", "open_lab(headless=True)")
    Traceback (most recent call last):
    mla_core.errors.ConfigError: the live bench needs a notebook; elsewhere use open_lab(headless=True)
    """
    try:
        return asyncio.get_running_loop()
    except RuntimeError as error:
        msg = tr("{what} needs a notebook; elsewhere use {instead}", what=what, instead=instead)
        raise ConfigError(msg) from error
