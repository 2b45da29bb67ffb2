"""Pictures of a run that several rooms show."""

from widgets.charts.comparison import comparison_figure
from widgets.charts.curves import thin
from widgets.charts.legend import legend_html
from widgets.charts.map_chart import BLANK, MapView, map_figure, map_trace
from widgets.charts.map_state import MapState, umap_caption
from widgets.charts.marks import Mark, marks_html, signs
from widgets.charts.run import Run, run_of
from widgets.charts.sample import media_html
from widgets.charts.svg import Line, line_chart
from widgets.charts.training import NOTHING

__all__ = [
    "BLANK",
    "NOTHING",
    "Line",
    "MapState",
    "MapView",
    "Mark",
    "Run",
    "comparison_figure",
    "legend_html",
    "line_chart",
    "map_figure",
    "map_trace",
    "marks_html",
    "media_html",
    "run_of",
    "signs",
    "thin",
    "umap_caption",
]
