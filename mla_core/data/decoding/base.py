"""What every decoder does: look at a file's head, settle on a shape, turn a file into numbers."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from mla_core.data.samples import LARGEST, Modality, Source
from mla_core.errors import ConfigError, DataError
from mla_core.outside import check_kind


@dataclass(frozen=True)
class Preparation:
    """How files become numbers. The defaults are those of the paper's set-up.

    Attributes
    ----------
    size : int
        Of the square that an image or a frame is cropped to, in pixels.
    frames : int
        Of a video.
    fps : float
        Frames a second that are taken from a video, from its start.
    rate : int
        Samples a second that sounds are resampled to.
    seconds : float
        Of a sound: longer ones are cut, shorter ones filled up with silence. 0 means the longest
        one, but 10.24 at most.
    mels : int
        Bands of the log-mel spectrogram.
    characters : int
        Of a text, or tokens where there is a tokenizer: longer ones are cut.
    tokenizer : str
        A folder, or the name, of a tokenizer that `transformers` knows; empty means characters.
    steps : int
        Of a time series: longer ones are cut.

    Raises
    ------
    ConfigError
        For a value that is out of range.
    """

    size: int = 224
    frames: int = 3
    fps: float = 1.0
    rate: int = 16000
    seconds: float = 0.0
    mels: int = 128
    characters: int = 256
    tokenizer: str = ""
    steps: int = 1000

    def __post_init__(self) -> None:
        bounds = {
            "size": (8, 1024),
            "frames": (1, 64),
            "fps": (0.01, 100),
            "rate": (2000, 48000),
            "seconds": (0, 120),
            "mels": (8, 256),
            "characters": (1, 8192),
            "steps": (1, 100_000),
        }
        for name, (least, most) in bounds.items():
            value = getattr(self, name)
            whole = isinstance(getattr(type(self), name), int)
            fits = isinstance(value, int) or (isinstance(value, float) and not whole)
            if not fits or isinstance(value, bool) or not least <= value <= most:
                kind = "a whole number" if whole else "a number"
                msg = f"prepare: {name} must be {kind} from {least} to {most}, not {value!r}"
                raise ConfigError(msg)
        if not isinstance(self.tokenizer, str):
            msg = f"prepare: tokenizer must be a folder or a name, not {self.tokenizer!r}"
            raise ConfigError(msg)

    @classmethod
    def of(cls, values: Mapping[str, Any] | None) -> Preparation:
        """Return the preparation with some values other than the defaults.

        Examples
        --------
        >>> Preparation.of({"size": 64}).size
        64
        >>> Preparation.of({"sise": 64})
        Traceback (most recent call last):
        mla_core.errors.ConfigError: prepare has no 'sise': choose among ['size', ...
        """
        check_kind("prepare", values, Mapping[str, Any] | None)
        names = [field.name for field in dataclasses.fields(cls)]
        for name in values or {}:
            if name not in names:
                msg = f"prepare has no {name!r}: choose among {names}"
                raise ConfigError(msg)
        return cls(**(values or {}))


@dataclass(frozen=True)
class Looked:
    """What a file's head tells: a size that decides about the shape, and perhaps characters.

    Attributes
    ----------
    size : tuple of float
        Of an image (width, height), of a sound or video (seconds,), of numbers their shape, of a
        text (characters,).
    characters : str
        That a text consists of, perhaps more than once.
    brightest : float
        Of an image with 16 bits, as a share of the largest number that these hold.
    """

    size: tuple[float, ...]
    characters: str = ""
    brightest: float = 1.0


class Decoder(ABC):
    """Turns the sources of one modality into rows of one shape.

    A fault in a file is a `DataError` whose sentence goes on from the file's name.

    Parameters
    ----------
    preparation : Preparation
    """

    kind: ClassVar[str]
    dtype: ClassVar[type[np.generic]]
    version: ClassVar[int] = 1  # to be raised when the same file becomes other numbers
    uses: ClassVar[tuple[str, ...]]  # what of the preparation decides

    def __init__(self, preparation: Preparation) -> None:
        self.preparation = preparation

    def options(self) -> dict[str, Any]:
        """Return what, beside the files, decides about the numbers."""
        chosen = {name: getattr(self.preparation, name) for name in self.uses}
        return {"decoder": type(self).__name__, "version": self.version, **chosen}

    @abstractmethod
    def look(self, source: Source) -> Looked:
        """Read a file's head, or raise `DataError` when it cannot be used."""

    @abstractmethod
    def modality(self, name: str, looked: Sequence[Looked]) -> Modality:
        """Return what all samples will look like, having looked at all sources."""

    @abstractmethod
    def decode(self, source: Source, modality: Modality) -> NDArray[Any]:
        """Return one sample, of the modality's shape and the decoder's `dtype`."""

    def row(self, source: Source, modality: Modality) -> bytes:
        """Return one sample as it is kept on disk.

        Raises
        ------
        DataError
            When its numbers are none that can be computed with.
        """
        x = self.decode(source, modality)
        if x.dtype.kind == "f" and not float(np.abs(x).max(initial=0)) <= LARGEST:  # NaN is not
            msg = f"gives NaN or infinity, or numbers beyond {LARGEST:g}: mend it"
            raise DataError(msg)
        return x.tobytes()

    def notes(self, modality: Modality, looked: Sequence[Looked]) -> list[str]:
        """Return what else a person must know of all sources, such as how many texts are cut."""
        reasons = [reason for one in looked if (reason := self.cut(modality, one))]
        if not reasons:
            return []
        return [f"{modality.name}: {len(reasons)} of {len(looked)} are {reasons[0]} and are cut"]

    def cut(self, modality: Modality, looked: Looked) -> str:
        """Return why a sample is not taken in whole, such as ``longer than 5 s``; else nothing."""
        return ""
