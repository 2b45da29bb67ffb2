"""Samples of several modalities: what they are, and where they come from."""

from mla_core.data.catalogue import DATASETS, NEED_FILES, check_options, load_dataset, modalities_of
from mla_core.data.dataset import MultimodalDataset
from mla_core.data.samples import Media, Modality, Split
from mla_core.data.shortage import check_missing, shorten, without_parts

__all__ = [
    "DATASETS",
    "NEED_FILES",
    "Media",
    "Modality",
    "MultimodalDataset",
    "Split",
    "check_missing",
    "check_options",
    "load_dataset",
    "modalities_of",
    "shorten",
    "without_parts",
]
