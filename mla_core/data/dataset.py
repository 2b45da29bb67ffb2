"""Samples of M modalities, a label, a stable id, and which parts are present."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

from mla_core.data.samples import (
    SPLITS,
    Fault,
    Media,
    Modality,
    Parts,
    Split,
    check_split,
    digest,
    media_from_tensor,
)
from mla_core.errors import DataError, quoted


class MultimodalDataset:
    """Named modalities, classes and splits, checked once when made.

    Parameters
    ----------
    name : str
    modalities : sequence of Modality
    classes : sequence of str
    splits : mapping of str to Split
        Must hold ``"train"``, ``"val"`` and ``"test"``.
    media : callable, optional
        ``(split name, index) -> list of Media``: how a person perceives one sample. Without it
        images and sequences become PNG, characters become text, straight from the tensors.
    note : str
        What a person must know about the whole: origin, licence, synthetic parts.
    facts : callable, optional
        Returns known numbers about the data, such as Bayes accuracies; called at most once.
    left_out : sequence of Fault
        What of the files could not be used.

    Raises
    ------
    DataError
        Naming the modality and the sample, when something does not fit.
    """

    def __init__(
        self,
        name: str,
        modalities: Sequence[Modality],
        classes: Sequence[str],
        splits: Mapping[str, Split],
        media: Callable[[str, int], list[Media]] | None = None,
        note: str = "",
        facts: Callable[[], Mapping[str, Any]] = dict,
        left_out: Sequence[Fault] = (),
    ) -> None:
        self.name = name
        self.modalities = {modality.name: modality for modality in modalities}
        self.classes = tuple(classes)
        self.note = note
        self.left_out = tuple(left_out)
        self._splits = dict(splits)
        self._media = media
        self._facts = facts
        if not self.modalities or len(self.modalities) != len(modalities):
            msg = f"data set {name!r} needs at least one modality and no name twice"
            raise DataError(msg)
        if missing := [side for side in SPLITS if side not in self._splits]:
            msg = f"data set {name!r} lacks the split(s) {missing}"
            raise DataError(msg)
        for split in self._splits.values():
            check_split(split, self.modalities, len(self.classes))
        self._splits = {side: split.blanked() for side, split in self._splits.items()}
        self._where = {
            sample: (side, i)
            for side, split in self._splits.items()
            for i, sample in enumerate(split.ids)
        }
        if len(self._where) != sum(map(len, self._splits.values())):
            msg = f"data set {name!r} uses one sample id in two splits"
            raise DataError(msg)

    @classmethod
    def of(cls, parts: Parts) -> MultimodalDataset:
        """Make a data set of its parts, as those who read files hand them on."""
        return cls(
            parts.name,
            parts.modalities,
            parts.classes,
            parts.splits,
            media=parts.media,
            note=parts.note,
            left_out=parts.left_out,
        )

    @classmethod
    def from_arrays(
        cls,
        inputs: Mapping[str, Any],
        labels: Any,
        *,
        split: Sequence[str] | None = None,
        kinds: Mapping[str, str] | None = None,
        ids: Sequence[str] | None = None,
        name: str = "arrays",
    ) -> MultimodalDataset:
        """Make a data set of arrays, tensors and lists of texts.

        Parameters
        ----------
        inputs : mapping of str to array or list of str
            Per modality: vectors (N, D), sequences (N, channels, steps), images (N, C, H, W),
            (N, H, W, C) or, in 8 bits, (N, H, W), videos (N, frames, C, H, W), or N texts. Pixels
            from 0 to 255 become 0..1, whatever their type, as do other numbers in 8 bits. A row of
            nothing but NaN, a masked row, and None or NaN in a list are missing parts.
        labels : array or list, or mapping of str to them
            (N,) texts or whole numbers, one class for each sample; such a list for each modality
            where samples are not paired: each modality may then have its own number of samples.
        split : sequence of str, optional
            (N,) ``"train"``, ``"val"`` or ``"test"``; dealt 70 : 15 : 15 in each class when left out.
        kinds : mapping of str to str, optional
            Where the number of axes does not tell: ``{"audio": "spectrogram"}``. Rows (N, H * W)
            of square pictures are ``"image"``, too.
        ids : sequence of str, optional
            (N,) unique.
        name : str

        Raises
        ------
        DataError
            Naming the modality or the sample that does not fit.

        Examples
        --------
        >>> import numpy as np
        >>> x = np.random.default_rng(0).normal(size=(40, 5))
        >>> MultimodalDataset.from_arrays({"pulse": x, "word": ["yes", "no"] * 20}, [1, 0] * 20)
        MultimodalDataset('arrays': pulse, word; train 28, val 6, test 6)
        """
        from mla_core.data.files import parts_of_arrays

        return cls.of(parts_of_arrays(inputs, labels, split=split, kinds=kinds, ids=ids, name=name))

    @classmethod
    def from_hugging_face(cls, dataset: Any, **options: Any) -> MultimodalDataset:
        """Make a data set of a `datasets.Dataset`, or of a `DatasetDict` of splits.

        Pictures, sounds and videos are prepared as files are (see `load_dataset` of
        ``"manifest"``); texts and lists of numbers are taken as they are, in whatever format the
        data set would hand them out. A stream is read to its end and kept in `cache`; cut a long
        one with ``take``.

        Parameters
        ----------
        dataset : Dataset, DatasetDict, IterableDataset or IterableDatasetDict
            With the splits train, validation and test. Validation and test are dealt from train
            where they are not there; `note` says so.
        **options
            ``label`` names the column of classes (default ``"label"``), ``group`` that of groups
            which no two splits that are dealt may share (default ``"group"``, if there is one);
            ``kinds`` maps columns to image, sound, video, text, vector or series where not all are
            wanted or known; ``name``; and ``prepare``, ``skip_bad`` and ``cache`` as for a manifest.
        """
        from mla_core.data.files import parts_of_hugging_face

        return cls.of(parts_of_hugging_face(dataset, **options))

    @cached_property
    def fingerprint(self) -> str:
        """Return the SHA-256 of every sample, label and name: equal for equal data alone."""
        found = hashlib.sha256(repr((self.modalities, self.classes)).encode())
        for side, split in self._splits.items():
            found.update(repr((side, split.ids)).encode())
            for x in (*split.inputs.values(), split.present, split.labels):
                found.update(digest(x))
        return found.hexdigest()

    @cached_property
    def facts(self) -> Mapping[str, Any]:
        """Known numbers about the data, such as the Bayes accuracy of every modality subset."""
        return self._facts()

    def split(self, name: str) -> Split:
        """Return the split called `name`."""
        if not isinstance(name, str) or name not in self._splits:
            msg = f"unknown split {quoted(name)}: choose one of {list(self._splits)}"
            raise DataError(msg)
        return self._splits[name]

    def replaced(
        self, modalities: Sequence[Modality], splits: Mapping[str, Split]
    ) -> MultimodalDataset:
        """Return this data set with some of its modalities, and other splits of the same samples."""
        shown = self._media

        def media(side: str, index: int) -> list[Media]:
            split = splits[side]
            here = dict(zip(split.inputs, split.present[:, index].tolist(), strict=True))
            return [m for m in shown(side, index) if here.get(m.modality)] if shown else []

        return MultimodalDataset(
            self.name,
            modalities,
            self.classes,
            splits,
            media=media if shown else None,
            note=self.note,
            facts=lambda: self.facts,
            left_out=self.left_out,
        )

    def locate(self, sample: str) -> tuple[str, int]:
        """Return the split's name and the index in it of the sample with this id."""
        if not isinstance(sample, str) or sample not in self._where:
            msg = f"data set {self.name!r} has no sample with the id {quoted(sample)}"
            raise DataError(msg)
        return self._where[sample]

    def media(self, sample: str) -> list[Media]:
        """Return one sample's parts as a person sees, hears and reads them (absent ones left out).

        Parameters
        ----------
        sample : str
            The sample's id.
        """
        side, index = self.locate(sample)
        if self._media is not None:
            return self._media(side, index)
        split = self._splits[side]
        return [
            media_from_tensor(
                modality.name, modality.kind, split.inputs[name][index], modality.vocabulary
            )
            for row, (name, modality) in enumerate(self.modalities.items())
            if split.present[row, index]
        ]

    def __repr__(self) -> str:
        sizes = ", ".join(f"{side} {len(split)}" for side, split in self._splits.items())
        return f"MultimodalDataset({self.name!r}: {', '.join(self.modalities)}; {sizes})"
