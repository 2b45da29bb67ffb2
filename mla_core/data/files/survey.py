"""What a data set will be and what is wrong with it, before anything is prepared."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mla_core.data.decoding import Decoder, Looked, Preparation, decoder
from mla_core.data.files.cache import WORKERS, attempt, look_at
from mla_core.data.files.manifest import Manifest, count, settle, usable
from mla_core.data.files.manifest_file import read_manifest
from mla_core.data.samples import SPLITS, Fault, Modality, Source, kinds_of_faults
from mla_core.errors import DataError
from mla_core.words import counted

TOLD = 50  # faults that are named one by one; of more, the kinds are counted
TRIED = 12  # files of a modality that are prepared to see how long it takes


@dataclass(frozen=True, eq=False)
class Survey:
    """What was found.

    Attributes
    ----------
    manifest : Manifest
        Settled.
    modalities : tuple of Modality
        What the samples will look like; those without a single good file are left out.
    faults : tuple of Fault
        Of the manifest and of the files.
    files : dict of str to int
        Modality -> number of good files.
    seconds : float
        How long the preparation will take, from a few files; 0 when it is done already.
    size : int
        Bytes that the prepared data will need.
    unusable : str
        Why it cannot be loaded, even without what is faulty; empty when it can.
    """

    manifest: Manifest
    modalities: tuple[Modality, ...]
    faults: tuple[Fault, ...]
    files: dict[str, int]
    seconds: float
    size: int
    unusable: str = ""


def survey(manifest: Manifest, preparation: Preparation, *, deep: bool = False) -> Survey:
    """Look at the head of every file, prepare a few, and count.

    Parameters
    ----------
    manifest : Manifest
        As it was read.
    preparation : Preparation
    deep : bool
        Read every file to its end, which finds all damage and takes as long as the preparation.
    """
    settled = settle(manifest)
    faults, good, modalities = list(settled.faults), dict[str, list[int]](), list[Modality]()
    seconds, size = 0.0, 0
    for name, kind in settled.kinds.items():
        sources, reader = settled.sources(name), decoder(kind, preparation)
        listed = list(sources.values())
        with ThreadPoolExecutor(WORKERS) as pool:
            looked, bad = look_at(listed, reader, pool, f"looking at {name}")
        if looked:
            modality = reader.modality(name, list(looked.values()))
            modalities.append(modality)
            tried, took = _try(listed, looked, reader, modality, deep=deep)
            bad |= tried
            seconds += took * len(looked) / WORKERS
            size += len(listed) * _bytes(reader, modality)
        rows = list(sources)
        good[name] = [row for i, row in enumerate(rows) if i not in bad]
        for i, what in sorted(bad.items()):
            row = settled.rows[rows[i]]
            faults.append(Fault(listed[i].where, what, row.id, name))
    files = {name: len(rows) for name, rows in good.items()}
    try:
        usable(settled, good, faults)
        why = ""
    except DataError as error:
        why = str(error)
    return Survey(settled, tuple(modalities), tuple(faults), files, seconds, size, why)


def _try(
    sources: Sequence[Source],
    looked: dict[int, Looked],
    reader: Decoder,
    modality: Modality,
    *,
    deep: bool,
) -> tuple[dict[int, str], float]:
    """Prepare some files, or all; return what is wrong with them, and the mean time of one."""
    rows = list(looked)
    chosen = rows if deep else rows[:: max(1, len(rows) // TRIED)]

    def work(row: int) -> bytes | str:
        return attempt(lambda: reader.row(sources[row], modality))

    work(chosen[0])  # the first time, libraries are imported
    start = time.perf_counter()
    found = {row: work(row) for row in chosen}
    took = (time.perf_counter() - start) / len(chosen)
    return {row: what for row, what in found.items() if isinstance(what, str)}, took


def _bytes(reader: Decoder, modality: Modality) -> int:
    total = reader.dtype().itemsize
    for length in modality.shape:
        total *= length
    return total


def describe(found: Survey, *, every: bool = False) -> Iterator[str]:
    """Yield the lines of a report.

    Parameters
    ----------
    found : Survey
    every : bool
        Name every fault, however many there are; otherwise only the first fifty, and how many
        there are of each kind.
    """
    manifest = found.manifest
    total = {side: sum(row.split == side for row in manifest.rows) for side in SPLITS}
    samples = counted(len(manifest.rows), "sample")
    yield f"{manifest.name}: {samples}, {counted(len(manifest.classes), 'class', 'classes')}"
    width = max(9, *(len(name) for name in manifest.classes))
    yield f"  {'class':{width}}" + "".join(f"{side:>8}" for side in SPLITS)
    for label, counts in count(manifest).items():
        yield f"  {label:{width}}" + "".join(f"{counts[side]:>8}" for side in SPLITS)
    yield f"  {'all':{width}}" + "".join(f"{total[side]:>8}" for side in SPLITS)
    shapes = {m.name: f"{m.kind} {' x '.join(map(str, m.shape))}" for m in found.modalities}
    for name, good in found.files.items():
        absent = len(manifest.rows) - good
        yield f"  {name}: {counted(good, 'file')}, {absent} missing; as {shapes.get(name, 'nothing')}"
    for note in manifest.notes:
        yield f"  note: {note}"
    yield f"  preparing takes about {_span(found.seconds)} and {found.size / 2**20:.1f} MiB, once"
    for fault in found.faults if every else found.faults[:TOLD]:
        yield f"fault: {fault}"
    if len(found.faults) > TOLD and not every:
        yield f"the first {TOLD} faults; by kind, of all:"
        for kind, number in kinds_of_faults(found.faults).items():
            yield f"  {number:>8}  {kind}"
    if found.unusable:
        yield f"cannot be loaded: {found.unusable}"
    if found.faults or not found.unusable:
        yield counted(len(found.faults), "fault") if found.faults else "no faults"


def check_manifest(path: str | Path, prepare: Mapping[str, Any] | None = None) -> str:
    """Return what `mla-lab data check` prints of a manifest."""
    return "\n".join(describe(survey(read_manifest(path), Preparation.of(prepare))))


def _span(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
