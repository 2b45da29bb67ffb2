"""MLA Lab's core: multimodal learning by alternating unimodal adaptation. Knows no screen."""

from mla_core import encoders, fusion, methods
from mla_core.catalogue import METRICS as metrics
from mla_core.config import ExperimentConfig
from mla_core.data import DATASETS as datasets
from mla_core.data import Media, Modality, MultimodalDataset, Split, load_dataset
from mla_core.data.corruption import CORRUPTIONS as corruptions
from mla_core.errors import ConfigError, DataError, StoppedError, TrainingDivergedError
from mla_core.evaluation import modality_gap
from mla_core.head import VARIANTS as head_gradients
from mla_core.head import HeadGradientModification
from mla_core.presets import recommended
from mla_core.records import Evaluation, History, Snapshot, StepRecord, Summary
from mla_core.references import allow_import
from mla_core.runs import run_experiment, train, trained
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
    "StoppedError",
    "Summary",
    "TrainingDivergedError",
    "TrainingSession",
    "__version__",
    "allow_import",
    "corruptions",
    "datasets",
    "encoders",
    "fusion",
    "head_gradients",
    "load_dataset",
    "methods",
    "metrics",
    "modality_gap",
    "recommended",
    "run_experiment",
    "train",
    "trained",
]
