"""What is seen: the bench, its charts and pictures. Depends on mla_core, never the other way."""

from widgets.charts import comparison_figure
from widgets.gap_explorer import explore_gap
from widgets.embedding_view import EmbeddingView
from widgets.gap_explorer import GapExplorer, explore_gap
from widgets.gap_report import GapReport, gap_figure
from widgets.lab import TrainingLab
from widgets.question import predict
from widgets.report import TrainingReport, check_notebook, open_lab, present, show
from widgets.results_charts import (
    difference_plot,
    dot_plot,
    gap_plot,
    heat_map,
    tell,
)
from widgets.results_curves import missing_plot, subset_plot
from widgets.reveals import (
    fused_change,
    gap_change,
    most_gained,
    shift_change,
    weakest_modality,
)

__all__ = [
    "EmbeddingView",
    "GapExplorer",
    "GapReport",
    "TrainingLab",
    "TrainingReport",
    "check_notebook",
    "comparison_figure",
    "difference_plot",
    "dot_plot",
    "explore_gap",
    "explore_gap",
    "fused_change",
    "gap_change",
    "gap_figure",
    "gap_plot",
    "heat_map",
    "missing_plot",
    "most_gained",
    "open_lab",
    "predict",
    "present",
    "shift_change",
    "show",
    "subset_plot",
    "tell",
    "weakest_modality",
]
