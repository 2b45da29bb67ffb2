"""MLA Lab's core: multimodal learning by alternating unimodal adaptation. Knows no screen."""

from mla_core import fusion
from mla_core.config import ExperimentConfig
from mla_core.data import Media, Modality, MultimodalDataset, Split, load_dataset
from mla_core.errors import ConfigError, DataError, TrainingDivergedError
from mla_core.evaluation import modality_gap
from mla_core.head import HeadGradientModification
from mla_core.records import Evaluation, History, Snapshot, StepRecord, Summary
from mla_core.runs import run_experiment, train
from mla_core.session import TrainingSession
from mla_core.version import __version__

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
    "__version__",
    "fusion",
    "load_dataset",
    "modality_gap",
    "run_experiment",
    "train",
]
