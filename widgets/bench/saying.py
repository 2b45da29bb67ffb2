"""Words of widgets that can be said again, when another language is chosen."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import ipywidgets as ipw

from widgets.page.spoken import Spoken

Saying = TypeVar("Saying", bound=Any)


def say(widget: Saying, **words: Callable[[], object]) -> Saying:
    """Return a widget that says this from now on; a list with other words keeps what was chosen.

    Parameters
    ----------
    widget : Widget
    **words : callable
        For each trait that holds words, ``()`` to what it holds in the present language.

    Examples
    --------
    >>> say(ipw.Button(), description=lambda: "Play").description
    'Play'
    """
    widget.says = getattr(widget, "says", {}) | words
    chosen = getattr(widget, "value", None)
    for name, said in words.items():
        setattr(widget, name, said())
    if "options" in words and chosen in [value for _, value in widget.options]:
        widget.value = chosen
    return widget


def say_again(widgets: Iterable[ipw.Widget]) -> None:
    """Let these widgets, and all that stand in them, say in the present language what they say.

    What a script has drawn is drawn anew; whatever was chosen stays.
    """
    for widget in widgets:
        say(widget, **getattr(widget, "says", {}))
        if isinstance(widget, Spoken):
            widget.messages = Spoken().messages  # as one that is made now
        children = getattr(widget, "children", ())
        say_again(children)
        if any(isinstance(child, Spoken) for child in children):
            widget.children = ()
            widget.children = children
