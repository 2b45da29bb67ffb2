"""What every widget stands on: its script and style, the event loop, words, closing."""

from widgets.page.closing import close
from widgets.page.event_loop import notebook_loop
from widgets.page.folded import fold, folded
from widgets.page.inbox import Inbox
from widgets.page.live_figure import LiveFigure
from widgets.page.live_widget import LiveWidget
from widgets.page.pace import Pace
from widgets.page.page import asset, safe_json, script, stylesheet
from widgets.page.static_figure import check_notebook, figure_bundles, in_words, present, show
from widgets.page.status import StatusLine
from widgets.page.style import (
    CLASS_COLOURS,
    FUSED_COLOUR,
    GRID,
    MODALITY_DASHES,
    MODALITY_GLYPHS,
    MODALITY_MARKERS,
    RUN_COLOURS,
    VERDICT_COLOURS,
    apply_theme,
    colour,
    pick,
    run_colour,
    text,
    wrapped,
)
from widgets.page.without_kernel import on_page, tell_what_needs_a_kernel
from widgets.page.words import describe_training, listed

__all__ = [
    "CLASS_COLOURS",
    "FUSED_COLOUR",
    "GRID",
    "MODALITY_DASHES",
    "MODALITY_GLYPHS",
    "MODALITY_MARKERS",
    "RUN_COLOURS",
    "VERDICT_COLOURS",
    "Inbox",
    "LiveFigure",
    "LiveWidget",
    "Pace",
    "StatusLine",
    "apply_theme",
    "asset",
    "check_notebook",
    "close",
    "colour",
    "describe_training",
    "figure_bundles",
    "fold",
    "folded",
    "in_words",
    "listed",
    "notebook_loop",
    "on_page",
    "pick",
    "present",
    "run_colour",
    "safe_json",
    "script",
    "show",
    "stylesheet",
    "tell_what_needs_a_kernel",
    "text",
    "wrapped",
]
