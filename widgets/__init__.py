"""What is seen: the bench, its charts and pictures. Depends on mla_core, never the other way."""

from widgets.bench import TrainingLab, TrainingReport, open_lab
from widgets.charts import comparison_figure
from widgets.export import export_run, export_session
from widgets.following import RunWatch, watch
from widgets.fusion import FusionExplorer, FusionReport, explore_fusion
from widgets.gap import explore_gap, gap_change, shift_change
from widgets.head_gradient import ProjectionToy, explore_head_gradient, projection_toy
from widgets.page import check_notebook, fold, present, show
from widgets.questions import (
    fused_change,
    least_gained,
    once_trained,
    predict,
    train_in_background,
    weakest_modality,
)
from widgets.results import (
    difference_plot,
    dot_plot,
    gap_plot,
    heat_map,
    missing_plot,
    rank_plot,
    subset_plot,
    tell,
)
from widgets.runs import RunBrowser

__all__ = [
    "FusionExplorer",
    "FusionReport",
    "ProjectionToy",
    "RunBrowser",
    "RunWatch",
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
    "fold",
    "fused_change",
    "gap_change",
    "gap_plot",
    "heat_map",
    "least_gained",
    "missing_plot",
    "once_trained",
    "open_lab",
    "predict",
    "present",
    "projection_toy",
    "rank_plot",
    "shift_change",
    "show",
    "subset_plot",
    "tell",
    "train_in_background",
    "watch",
    "weakest_modality",
]
