"""From the rows of a manifest to samples that stay on disk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from mla_core.data.decoding import Preparation, decoder, read_sound, read_text
from mla_core.data.files.cache import PreparedColumn, default_cache, prepare_column
from mla_core.data.files.manifest import Manifest, Row, settle, usable
from mla_core.data.samples import (
    CODED,
    SPLITS,
    Fault,
    Media,
    Modality,
    Parts,
    Source,
    Split,
    StoredColumn,
    media_from_tensor,
    refuse,
    to_int16,
    wav_bytes,
)
from mla_core.errors import DataError
from mla_core.words import counted

HEARD = 20.0  # seconds of a sound that a person is given


def load_rows(
    manifest: Manifest,
    preparation: Preparation,
    *,
    skip_bad: bool = False,
    cache: str = "",
    note: str = "",
) -> Parts:
    """Return what a manifest lists, its files prepared once and kept on disk.

    Parameters
    ----------
    manifest : Manifest
        As it was read; it is settled here.
    preparation : Preparation
    skip_bad : bool
    cache : str
    note : str
        What a person must know of the whole.
    """
    manifest = settle(manifest)
    if not skip_bad:
        refuse(manifest.name, manifest.faults)
    columns, faults = {}, list(manifest.faults)
    usable(manifest, {name: manifest.sources(name) for name in manifest.kinds}, faults)
    folder = Path(cache) if cache else default_cache()
    for name, kind in manifest.kinds.items():
        sources = manifest.sources(name)
        prepared = prepare_column(
            name,
            list(sources.values()),
            decoder(kind, preparation),
            folder,
            skip_bad=skip_bad,
        )
        rows = list(sources)
        for i, what in prepared.faults.items():
            row = manifest.rows[rows[i]]
            faults.append(Fault(sources[rows[i]].where, what, row.id, name))
        columns[name] = _Column(prepared, dict(zip(rows, range(len(rows)), strict=True)))
    if not skip_bad:
        refuse(manifest.name, faults)
    return _parts(manifest, columns, preparation, faults, note)


class _Column(NamedTuple):
    """A prepared column, and which of its rows belongs to which row of the manifest."""

    prepared: PreparedColumn
    row_of: dict[int, int]

    def good(self) -> list[int]:
        """Return the manifest's rows whose part can be used."""
        return [i for i, row in self.row_of.items() if row not in self.prepared.faults]

    def rows(self, indices: Sequence[int]) -> Tensor:
        """Return (n,) rows of the array, -1 where the part is absent or bad."""
        found = (self.row_of.get(i, -1) for i in indices)
        return torch.tensor([-1 if row in self.prepared.faults else row for row in found])

    def stored(self, rows: Tensor) -> StoredColumn:
        """Return the samples at these rows."""
        array = self.prepared.array
        assert array is not None  # noqa: S101 - as there is a modality
        return StoredColumn(array, rows, self.prepared.digests)


def _parts(
    manifest: Manifest,
    columns: Mapping[str, _Column],
    preparation: Preparation,
    faults: list[Fault],
    note: str,
) -> Parts:
    number = {row.id: i for i, row in enumerate(manifest.rows)}
    good = {name: column.good() for name, column in columns.items()}
    manifest = usable(manifest, good, faults)
    indices = [number[row.id] for row in manifest.rows]
    faults += manifest.faults
    shown = dict[str, list[Row]]()
    splits = {}
    for side in SPLITS:
        here = [k for k, row in enumerate(manifest.rows) if row.split == side]
        shown[side] = [manifest.rows[k] for k in here]
        rows = {name: column.rows([indices[k] for k in here]) for name, column in columns.items()}
        splits[side] = Split(
            side,
            {name: columns[name].stored(rows[name]) for name in columns},
            torch.stack([row >= 0 for row in rows.values()]),
            torch.tensor([manifest.classes.index(row.label) for row in shown[side]]),
            tuple(row.id for row in shown[side]),
        )
    modalities = [c.prepared.modality for c in columns.values() if c.prepared.modality is not None]
    notes = [note, *manifest.notes, *(n for c in columns.values() for n in c.prepared.notes)]
    if faults:
        notes.append(f"{counted(len(faults), 'fault was', 'faults were')} left out, see `left_out`")
        if manifest.read:
            kept = len(manifest.rows)
            notes.append(
                f"of {manifest.read} lines {kept} are used, {manifest.read - kept} left out"
            )
    return Parts(
        manifest.name,
        modalities,
        manifest.classes,
        splits,
        media=lambda side, i: _media(splits[side], i, shown[side][i], modalities, preparation),
        note=". ".join(n for n in notes if n),
        left_out=faults,
    )


def _media(
    split: Split, index: int, row: Row, modalities: Sequence[Modality], preparation: Preparation
) -> list[Media]:
    """Return a sample's parts from its own files, and from the prepared numbers where these are gone."""
    found = []
    for modality, present in zip(modalities, split.present[:, index].tolist(), strict=True):
        if not present:
            continue
        source = row.parts[modality.name]
        caption = source.content.name if isinstance(source.content, Path) else ""
        try:
            media = _original(modality, source, preparation)
        except (DataError, OSError):
            media = None
        if media is None:
            x = split.inputs[modality.name][index]
            media = media_from_tensor(modality.name, modality.kind, x, modality.vocabulary)
        found.append(replace(media, caption=media.caption or caption))
    return found


def _original(modality: Modality, source: Source, preparation: Preparation) -> Media | None:
    if modality.kind == "spectrogram":
        sound = read_sound(source, preparation.rate, HEARD)
        wav = wav_bytes(to_int16(torch.from_numpy(sound)[None])[0], preparation.rate)
        return Media(modality.name, "audio/wav", wav)
    if modality.kind in CODED:
        return Media(modality.name, "text/plain", read_text(source).encode())
    return None
