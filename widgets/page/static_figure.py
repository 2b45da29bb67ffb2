"""How a notebook shows a static figure, and how its first cell fails in time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import plotly.graph_objects as go
from IPython.core.getipython import get_ipython
from IPython.display import HTML, display

from mla_core.files import check_writable
from mla_core.language import tr
from mla_core.runs import reject_unknown_parameters
from widgets.page.folded import folded
from widgets.page.page import asset
from widgets.page.style import CONFIG, text

THEMED = f"<style class='mla-figure'>{asset('page/figure.css')}</style>"


def check_notebook(run_folder: str | Path = "") -> None:
    """Fail now rather than after the training. Call it in the first cell after the parameters.

    Parameters
    ----------
    run_folder : str or Path
        Where the notebook will write; empty means nowhere.

    Raises
    ------
    ConfigError
        When papermill handed this notebook a parameter that it does not have (papermill itself
        only warns), or when `run_folder` cannot be written.
    """
    if str(run_folder):
        check_writable(Path(run_folder))
    shell = get_ipython()
    if shell is not None:
        reject_unknown_parameters(shell.user_ns.get("In", []))


def show(figure: go.Figure) -> None:
    """Show a figure as data that JupyterLab draws itself, without a copy of plotly's script."""
    for bundle in figure_bundles(figure):
        display(bundle, raw=True)


def present(figure: go.Figure) -> None:
    """Show a figure, and below it, folded, the summary in words that it carries in ``layout.meta``."""
    show(figure)
    if figure.layout.meta:
        display(HTML(in_words(figure)))


def in_words(figure: go.Figure) -> str:
    """Return a figure's summary as HTML that can be unfolded."""
    return folded(tr("In words"), f"<p>{text(figure.layout.meta)}</p>")


def figure_bundles(figure: go.Figure) -> list[dict[str, Any]]:
    """Return the data of two outputs: what lets text follow the page's theme, and the figure."""
    return [
        {"text/html": THEMED, "text/plain": ""},
        {
            "application/vnd.plotly.v1+json": figure.to_plotly_json() | {"config": CONFIG},
            "text/plain": tr("plotly figure"),
        },
    ]
