"""What is seen: the bench, its charts and pictures. Depends on mla_core, never the other way."""

from widgets.charts import comparison_figure
from widgets.lab import TrainingLab
from widgets.report import TrainingReport, check_notebook, open_lab, show

__all__ = [
    "TrainingLab",
    "TrainingReport",
    "check_notebook",
    "comparison_figure",
    "open_lab",
    "show",
]
