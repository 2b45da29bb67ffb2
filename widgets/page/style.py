"""One look for every picture: colours that colour-blind people can tell apart, shapes, dashes."""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import plotly.graph_objects as go

# A family of colours for each meaning: modalities, runs (and methods, variants, rules), right and
# wrong, classes. No hue of one family says anything of another.
# Okabe and Ito (2008): told apart with every common form of colour blindness.
MODALITY_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
MODALITY_DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
MODALITY_MARKERS = ("circle", "square", "triangle-up", "cross", "star", "x")
MODALITY_GLYPHS = ("●", "■", "▲", "✚", "★", "✖")
GRID = "rgba(128,128,128,0.22)"  # on light pages and on dark ones
RUN_COLOURS = ("#6A3D9A", "#8C564B", "#2F7F8C", "#A67C00", "#AD1457", "#5B6B2F")
VERDICT_COLOURS = ("#94A3B0", "#E0213A")  # right is calm, wrong stands out, in light and in dark
FUSED_COLOUR = "#808080"  # readable on white and on black
# Paul Tol's muted scheme, and grey.
CLASS_COLOURS = (
    "#332288",
    "#88CCEE",
    "#44AA99",
    "#117733",
    "#999933",
    "#DDCC77",
    "#CC6677",
    "#882255",
    "#AA4499",
    "#777777",
)
# Of plotly: few buttons, since each is a stop of the Tab key, and none that sends the chart anywhere.
CONFIG = {
    "displaylogo": False,
    "modeBarButtons": [["zoom2d", "pan2d", "resetScale2d", "toImage"]],
}


# A Chinese character with the marks that may not stand apart from it, or a word of another script.
_PIECES = re.compile(
    r"( *)([（“]*[\u2e80-\uffef][，。：；、）”]*|[^ \u2e80-\uffef]+[，。：；、）]*)"
)


def pick(options: tuple[str, ...], index: int) -> str:
    """Return the option at `index`, starting again at the end."""
    return options[index % len(options)]


def text(value: object) -> str:
    """Return `value` as text that is safe inside HTML, SVG and plotly labels.

    Names of classes, files and modalities come from outside and must never act as markup.
    """
    return escape(str(value), quote=True)


def wrapped(value: str, width: int = 60) -> str:
    """Break a long text into escaped lines: between words, and between Chinese characters.

    Examples
    --------
    >>> wrapped("one two <three>", width=8)
    'one two<br>&lt;three&gt;'
    >>> wrapped("先训练，再看 PCA。", width=10)
    '先训练，<br>再看 PCA。'
    """
    lines = [""]
    for blank, piece in _PIECES.findall(value):
        if lines[-1] and _room(lines[-1]) + _room(piece) >= width:
            lines.append("")
        lines[-1] += f"{blank}{piece}" if lines[-1] else piece
    return "<br>".join(map(text, lines))


def _room(told: str) -> int:
    """Return how many letters have the width of a text; a Chinese character is as wide as two."""
    return sum(2 if "\u2e80" <= one <= "\uffef" else 1 for one in told)


def colour(index: int) -> str:
    """Return the colour of modality number `index`."""
    return pick(MODALITY_COLOURS, index)


def run_colour(index: int) -> str:
    """Return the colour of run (method, variant, rule) number `index`."""
    return pick(RUN_COLOURS, index)


def apply_theme(figure: go.Figure, *, dark: bool) -> None:
    """Fit the figure's text and grid to a light or dark page; the page itself shines through."""
    figure.update_layout(
        template="plotly_dark" if dark else "plotly_white",
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
    )
