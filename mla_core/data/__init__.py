"""Samples of several modalities: what they are, and where they come from."""

from mla_core.data.catalogue import DATASETS, load_dataset
from mla_core.data.dataset import Modality, MultimodalDataset, Split
from mla_core.data.samples.media import Media

__all__ = ["DATASETS", "Media", "Modality", "MultimodalDataset", "Split", "load_dataset"]
