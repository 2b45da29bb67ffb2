"""What a data set is made of: what those who read files and arrays hand on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from mla_core.data.samples.faults import Fault
from mla_core.data.samples.media import Media
from mla_core.data.samples.split import Modality, Split


@dataclass(frozen=True, eq=False)
class Parts:
    """The parts of a `MultimodalDataset`, which checks them when it is made of them.

    Attributes
    ----------
    name, modalities, classes, splits, media, note, left_out
        As `MultimodalDataset` takes them.
    """

    name: str
    modalities: Sequence[Modality]
    classes: Sequence[str]
    splits: Mapping[str, Split]
    media: Callable[[str, int], list[Media]] | None = None
    note: str = ""
    left_out: Sequence[Fault] = ()
