"""Pictures of a run that several rooms show."""

from widgets.charts.curves import thin
from widgets.charts.map_chart import BLANK, MapView, map_figure, map_trace
from widgets.charts.map_state import MapState, umap_caption
from widgets.charts.sample import media_html
from widgets.charts.svg import Line, line_chart
from widgets.charts.training import NOTHING, comparison_figure

__all__ = [
    "BLANK",
    "NOTHING",
    "Line",
    "MapState",
    "MapView",
    "comparison_figure",
    "line_chart",
    "map_figure",
    "map_trace",
    "media_html",
    "thin",
    "umap_caption",
]
