"""Samples of several modalities: what they are, and where they come from."""

from mla_core.data.dataset import Modality, MultimodalDataset, Split
from mla_core.data.media import Media
from mla_core.data.registry import DATASETS, load_dataset

__all__ = ["DATASETS", "Media", "Modality", "MultimodalDataset", "Split", "load_dataset"]
