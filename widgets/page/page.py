"""What every widget's script and stylesheet begin with: the keyboard, the focus, calm motion."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from typing import Any


def script(*names: str) -> str:
    """Return a widget's script, after what all share; use it as ``_esm``.

    The script calls ``joinPage(el, model)`` when it renders, which returns what undoes it. Indentation and
    lines of comment are left out, since every page gets a copy.

    Parameters
    ----------
    *names : str
        Of files in ``widgets``, ``"room/file"`` without ``.js``; put together they are one module.

    Examples
    --------
    >>> "function joinPage" in script("page/status")
    True
    """
    whole = "".join(
        asset(f"{name}.js") for name in ("page/language", "page/hear", "page/page", *names)
    )
    return re.sub(r"^ *(//.*\n)?", "", whole, flags=re.MULTILINE)


def stylesheet(name: str) -> str:
    """Return a widget's stylesheet, after what all share; use it as ``_css``.

    Parameters
    ----------
    name : str
        Of a file in ``widgets``, ``"room/file"`` without ``.css``.

    Examples
    --------
    >>> ":focus-visible" in stylesheet("page/status")
    True
    """
    return asset("page/page.css") + asset(f"{name}.css")


def asset(file: str) -> str:
    """Return the text of a file beside the widgets, such as ``"page/page.css"``."""
    return files("widgets").joinpath(file).read_text(encoding="utf-8")


def safe_json(value: Any) -> str:
    r"""Return JSON that can stand inside ``<script>``: whatever it holds, it ends no element.

    Examples
    --------
    >>> safe_json("</script>\u2028")
    '"\\u003c/script>\\u2028"'
    """
    return json.dumps(value, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")
