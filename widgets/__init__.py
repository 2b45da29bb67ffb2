"""What is seen: the bench, its charts and pictures. Depends on mla_core, never the other way."""

from widgets.charts import comparison_figure
from widgets.export import export_run, export_session
from widgets.fusion_explorer import FusionExplorer, explore_fusion
from widgets.fusion_report import FusionReport
from widgets.gap_explorer import explore_gap, gap_change, shift_change
from widgets.head_gradient_explorer import explore_head_gradient
from widgets.lab import TrainingLab
from widgets.projection_toy import ProjectionToy, projection_toy
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
from widgets.reveals import fused_change, most_gained, weakest_modality
from widgets.run_browser import RunBrowser

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
