"""What is seen: the bench, its charts and pictures. Depends on mla_core, never the other way."""

from widgets.charts import comparison_figure
from widgets.head_gradient_explorer import explore_head_gradient
from widgets.lab import TrainingLab
from widgets.projection_toy import ProjectionToy, projection_toy
from widgets.question import predict
from widgets.report import TrainingReport, check_notebook, open_lab, show
from widgets.results_charts import (
    difference_plot,
    dot_plot,
    gap_plot,
    heat_map,
    present,
    tell,
)
from widgets.results_curves import missing_plot, subset_plot

__all__ = [
    "ProjectionToy",
    "TrainingLab",
    "TrainingReport",
    "check_notebook",
    "comparison_figure",
    "difference_plot",
    "dot_plot",
    "explore_head_gradient",
    "gap_plot",
    "heat_map",
    "missing_plot",
    "open_lab",
    "predict",
    "present",
    "projection_toy",
    "show",
    "subset_plot",
    "tell",
]
