"""What matters in one line, the rest folded below it."""

from __future__ import annotations

from IPython.display import HTML, display

from widgets.page.style import text


def folded(summary: str, body: str) -> str:
    """Return HTML that shows `summary`, and `body` when it is opened.

    Parameters
    ----------
    summary : str
        Plain text.
    body : str
        HTML.

    Examples
    --------
    >>> folded("a < b", "<p>why</p>")
    '<details><summary>a &lt; b</summary><p>why</p></details>'
    """
    return f"<details><summary>{text(summary)}</summary>{body}</details>"


def fold(summary: str, told: str) -> None:
    """Show `summary`; the lines of `told`, as they are, when it is opened.

    Examples
    --------
    >>> fold("The folder", "birds/")
    <IPython.core.display.HTML object>
    """
    display(HTML(folded(summary, f"<pre>{text(told)}</pre>")))
