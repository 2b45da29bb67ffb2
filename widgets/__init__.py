"""What is seen: the bench, its charts and pictures. Depends on mla_core, never the other way."""

from widgets.bench.lab import TrainingLab
from widgets.bench.report import TrainingReport, check_notebook, open_lab, present, show
from widgets.charts.training import comparison_figure
from widgets.export.write import export_run, export_session
from widgets.fusion.explorer import FusionExplorer, explore_fusion
from widgets.fusion.report import FusionReport
from widgets.gap.explorer import explore_gap, gap_change, shift_change
from widgets.head_gradient.explorer import explore_head_gradient
from widgets.head_gradient.projection_toy import ProjectionToy, projection_toy
from widgets.questions.question import predict
from widgets.questions.reveals import fused_change, most_gained, weakest_modality
from widgets.results.charts import (
    difference_plot,
    dot_plot,
    gap_plot,
    heat_map,
    tell,
)
from widgets.results.curves import missing_plot, subset_plot
from widgets.runs.browser import RunBrowser

__all__ = [
    "FusionExplorer",
    "FusionReport",
    "ProjectionToy",
    "RunBrowser",
    "TrainingLab",
    "TrainingReport",
    "check_notebook",
    "comparison_figure",
    "difference_plot",
    "dot_plot",
    "explore_fusion",
    "explore_gap",
    "explore_head_gradient",
    "export_run",
    "export_session",
    "fused_change",
    "gap_change",
    "gap_plot",
    "heat_map",
    "missing_plot",
    "most_gained",
    "open_lab",
    "predict",
    "present",
    "projection_toy",
    "shift_change",
    "show",
    "subset_plot",
    "tell",
    "weakest_modality",
]
