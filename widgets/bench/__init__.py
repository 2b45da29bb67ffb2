"""The live bench, and its twin on paper."""

from widgets.bench.lab import TrainingLab
from widgets.bench.report import TrainingReport, open_lab

__all__ = [
    "TrainingLab",
    "TrainingReport",
    "open_lab",
]
