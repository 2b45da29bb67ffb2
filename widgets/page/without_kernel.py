"""What is shown headless on a page that runs the widgets' scripts, and has no kernel behind it."""

from __future__ import annotations

import os

from IPython.display import HTML, display

from mla_core.errors import ConfigError
from mla_core.language import tr
from widgets.page.style import text

SETTING = "MLA_LAB_PAGE"  # in the environment: set by whoever makes such a page


def on_page() -> bool:
    """Whether what computes in the browser by itself is shown alive, where else a still picture is.

    Raises
    ------
    ConfigError
        When the setting is neither 0 nor 1.

    Examples
    --------
    >>> on_page()
    False
    """
    chosen = os.environ.get(SETTING, "0")
    if chosen not in {"0", "1"}:
        msg = tr("{name} must be 0 or 1, not {chosen!r}", name=SETTING, chosen=chosen)
        raise ConfigError(msg)
    return chosen == "1"


def tell_what_needs_a_kernel(what: str) -> None:
    """Say on a page what cannot be pressed there; elsewhere nothing.

    Parameters
    ----------
    what : str
        The beginning of the sentence, such as ``"To play the bench"``.
    """
    if on_page():
        told = tr("{what}, open this notebook in JupyterLab (make lab).", what=what)
        display(HTML(f'<p class="mla-needs-kernel" role="note">{text(told)}</p>'))
