"""Pictures of what many runs say together."""

from widgets.results.charts import difference_plot, dot_plot, gap_plot, heat_map, tell
from widgets.results.curves import missing_plot, subset_plot
from widgets.results.parts import modality_names
from widgets.results.ranks import rank_plot

__all__ = [
    "difference_plot",
    "dot_plot",
    "gap_plot",
    "heat_map",
    "missing_plot",
    "modality_names",
    "rank_plot",
    "subset_plot",
    "tell",
]
