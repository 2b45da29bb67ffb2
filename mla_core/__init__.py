"""MLA Lab's core: multimodal learning by alternating unimodal adaptation. Knows no screen."""

from mla_core import fusion
from mla_core.config import ExperimentConfig
from mla_core.data import Media, Modality, MultimodalDataset, Split, load_dataset
from mla_core.errors import ConfigError, DataError, TrainingDivergedError
from mla_core.evaluation import modality_gap
from mla_core.head.gradient import HeadGradientModification
from mla_core.records.history import Evaluation, History, StepRecord, Summary
from mla_core.runs.experiment import run_experiment, train
from mla_core.session import Snapshot, TrainingSession

__version__ = "0.3.0"

__all__ = [
    "ConfigError",
    "DataError",
    "Evaluation",
    "ExperimentConfig",
    "HeadGradientModification",
    "History",
    "Media",
    "Modality",
    "MultimodalDataset",
    "Snapshot",
    "Split",
    "StepRecord",
    "Summary",
    "TrainingDivergedError",
    "TrainingSession",
    "fusion",
    "load_dataset",
    "modality_gap",
    "run_experiment",
    "train",
]
