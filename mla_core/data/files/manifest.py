"""A manifest: what each sample consists of, before any file is read."""

from __future__ import annotations

import difflib
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from mla_core.data.files.cells import WORDS, bare
from mla_core.data.files.dealing import SHARES, deal, deal_groups
from mla_core.data.files.without_gc import without_gc
from mla_core.data.samples import SPLITS, Fault, Source, check_name
from mla_core.errors import DataError
from mla_core.words import counted

LONGEST_ID = 200
MOST_CLOSE = 500  # labels among which a misspelt one is looked for
_CONTROL = re.compile("[\0-\x1f\x7f-\x9f\ud800-\udfff]")  # the last are halves of characters


class Row(NamedTuple):
    """One sample: where it is said, what it is, and its parts; absent ones are left out.

    Attributes
    ----------
    where : str
        The manifest's line, or the file that the sample comes from.
    id, label, split : str
    group : str
        Such as the person who speaks: a group is never in two splits that are dealt. Either all
        samples have one, or none has.
    parts : mapping of str to Source
    """

    where: str
    id: str
    label: str
    split: str
    parts: Mapping[str, Source]
    group: str = ""

    def in_split(self, split: str) -> Row:
        """Return the same sample in that split."""
        return Row(self.where, self.id, self.label, split, self.parts, self.group)


@dataclass(frozen=True, eq=False)
class Manifest:
    """All samples of a data set, and what was found wrong on the way.

    Attributes
    ----------
    name : str
    kinds : mapping of str to str
        Modality -> kind of files: image, sound, video, text, vector or series.
    rows : tuple of Row
    faults : tuple of Fault
    notes : tuple of str
        What a person must know.
    classes : tuple of str
        In their order; labels that are not among them follow, sorted.
    read : int
        Lines of the table, good or bad; 0 where there is no table.
    """

    name: str
    kinds: Mapping[str, str]
    rows: tuple[Row, ...]
    faults: tuple[Fault, ...] = ()
    notes: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    read: int = 0

    def sources(self, modality: str) -> dict[int, Source]:
        """Return the sources of one modality by the number of their row."""
        return {i: row.parts[modality] for i, row in enumerate(self.rows) if modality in row.parts}


@without_gc
def settle(manifest: Manifest) -> Manifest:
    """Check ids, labels and splits; deal the splits that nobody named; order the classes.

    Parameters
    ----------
    manifest : Manifest

    Returns
    -------
    Manifest
        With the good rows, and with faults for the others.

    Raises
    ------
    DataError
        When nothing is left, or a split has no sample.
    """
    for name in manifest.kinds:
        check_name(name)
    kept, faults = _without_bad(manifest.rows)
    try:
        kept, notes = _with_splits(kept)
    except DataError as error:
        raise DataError(_with_first(str(error), [*manifest.faults, *faults])) from error
    kept, more = _without_lonely_labels(kept)
    found = {row.label for row in kept}
    others = sorted(found.difference(manifest.classes), key=_natural)
    classes = [*(name for name in manifest.classes if name in found), *others]
    notes += _doubtful(classes)
    told = [*manifest.faults, *faults, *more]
    if not kept:
        notes = [f": {note}" for note in manifest.notes if not told]
        msg = f"data set {manifest.name!r} has not one sample that can be used{''.join(notes)}"
        raise DataError(_with_first(msg, told))
    for side in SPLITS:
        here = {row.label for row in kept if row.split == side}
        if not here:
            what = "that can be used" if told else "at all: write it in `split`"
            msg = f"data set {manifest.name!r} has no sample in {side!r} {what}"
            raise DataError(_with_first(msg, told))
        if missing := [name for name in classes if name not in here]:
            notes.append(f"no sample of {_listed(missing)} in {side}: nothing is measured there")
    return replace(
        manifest,
        rows=tuple(kept),
        faults=tuple(told),
        notes=(*manifest.notes, *notes),
        classes=tuple(classes),
    )


def usable(
    manifest: Manifest, good: Mapping[str, Collection[int]], faults: Sequence[Fault]
) -> Manifest:
    """Return a settled manifest less the samples that have lost their every part.

    Parameters
    ----------
    manifest : Manifest
        Settled.
    good : mapping of str to collection of int
        Modality -> the numbers of the rows whose part can be used.
    faults : sequence of Fault
        Of the files; the sentence of an error names the first.

    Returns
    -------
    Manifest
        Its faults are those of the samples that had to go with the lost ones.

    Raises
    ------
    DataError
        When no sample of train has a part of a modality, or nothing is left of a split.
    """
    kept = sorted(set[int]().union(*good.values()))
    notes = []
    for name, rows in good.items():
        sides = {manifest.rows[i].split for i in rows}
        if "train" not in sides:
            where = "in train " if sides else ""
            first = next((str(fault) for fault in faults if fault.modality == name), _NO_PART)
            msg = f"data set {manifest.name!r}: not one sample {where}has a part {name!r}"
            raise DataError(f"{msg} that can be used: {first}")
        notes += [f"no sample in {s} has a part {name!r}" for s in SPLITS if s not in sides]
    manifest = replace(manifest, notes=(*manifest.notes, *notes), faults=())
    if len(kept) == len(manifest.rows):
        return manifest
    return settle(replace(manifest, rows=tuple(manifest.rows[i] for i in kept)))


_NO_PART = "put its files there, or leave the modality out"


def _without_bad(rows: Sequence[Row]) -> tuple[list[Row], list[Fault]]:
    kept, faults, first = list[Row](), list[Fault](), dict[str, Row]()
    named, grouped = any(row.split for row in rows), any(row.group for row in rows)
    looks = _look_alikes(rows)
    for row in rows:
        other = first.setdefault(row.id if row.id.isascii() else bare(row.id), row)
        if other is not row:
            alike = "stands in" if other.id == row.id else f"looks like {other.id!a} of"
            what = f"the id {row.id!a} {alike} {other.where} already: give each sample its own"
        else:
            wrong = _what_is_wrong(row, named=named, grouped=grouped)
            what = next(wrong, "") or looks.get(row.label, "")
        if what:
            faults.append(Fault(row.where, what, row.id))
        else:
            kept.append(row)
    return kept, faults


def _doubtful(classes: Sequence[str]) -> list[str]:
    """Tell of labels that may be meant as one, or as none."""
    notes, alike = list[str](), defaultdict[str, list[str]](list)
    for label in classes:
        alike[label.casefold()].append(label)
    if several := [label for labels in alike.values() if len(labels) > 1 for label in labels]:
        notes.append(f"labels that differ in capital letters alone are several: {_listed(several)}")
    if words := [label for label in classes if label in WORDS]:
        notes.append(f"the label {_listed(words)} is a class, and stands for no missing label")
    return notes


def _look_alikes(rows: Sequence[Row]) -> dict[str, str]:
    """Return what is wrong with labels that nobody can tell from one that is more frequent."""
    alike = defaultdict[str, list[str]](list)
    for label, _ in Counter(row.label for row in rows).most_common():
        alike[bare(label)].append(label)
    return {
        label: f"the label {label!a} looks like {first!a}, but is another: write both alike"
        for first, *others in alike.values()
        for label in others
    }


def _what_is_wrong(row: Row, *, named: bool, grouped: bool) -> Iterator[str]:
    said = row.id
    if not said:
        yield "has no id: write one"
    if len(said) > LONGEST_ID or not said.isprintable() or said != said.strip():
        yield f"the id {said[:40]!r} is longer than {LONGEST_ID}, or not plain text: change it"
    if said.startswith(("/", "\\")) or (".." in said and ".." in re.split(r"[/\\]", said)):
        yield f"the id {said!r} looks like a path that leads elsewhere: write it without .. or /"
    if not row.label:
        yield "has no label: write one, or take the line out"
    for what, text in (("label", row.label), ("group", row.group)):
        if not text.isprintable() and (odd := _CONTROL.search(text)):
            yield f"the {what} {text[:40]!r} holds {odd[0]!r}, which nobody sees: take it out"
    if row.split not in SPLITS and (row.split or named):
        yield f"the split is {row.split!r}: write train, val or test"
    if grouped and not row.group:
        yield "has no group, but others have one: write one"
    if not row.parts:
        yield "has no part at all: fill a cell, or take the line out"


def _with_splits(rows: Sequence[Row]) -> tuple[list[Row], list[str]]:
    """Deal all splits where none is named; val and test from train where these are not."""
    sides = {row.split for row in rows}
    if sides == {""}:
        return _dealt(rows, SHARES), [f"train, val and test were dealt, 70 : 15 : 15, {_by(rows)}"]
    lacking = {side: share for side, share in SHARES.items() if side not in sides}
    if "train" not in sides or not lacking:
        return list(rows), _shared_groups(rows)
    train = [row for row in rows if row.split == "train"]
    others = [row for row in rows if row.split != "train"]
    told = " and ".join(side for side in SPLITS if side in lacking)
    were, each = ("were", " each") if len(lacking) > 1 else ("was", "")
    note = f"{told} {were} dealt from train, 15 %{each}, {_by(train)}"
    rows = [*_dealt(train, lacking), *others]
    return rows, [note, *_shared_groups(rows)]


def _shared_groups(rows: Sequence[Row]) -> list[str]:
    """Tell of groups that the splits, as somebody named them, do not keep apart."""
    sides = defaultdict[str, set[str]](set)
    for row in rows:
        sides[row.group].add(row.split)
    shared = [group for group, found in sides.items() if group and len(found) > 1]
    return (
        [f"as the splits are named, not in one alone: the group {_listed(shared)}"]
        if shared
        else []
    )


def _dealt(rows: Sequence[Row], shares: Mapping[str, float]) -> list[Row]:
    if all(row.group for row in rows):
        sides = deal_groups([row.group for row in rows], shares)
    else:
        sides = deal([row.id for row in rows], [row.label for row in rows], shares)
    return [row.in_split(side) for row, side in zip(rows, sides, strict=True)]


def _by(rows: Sequence[Row]) -> str:
    grouped = all(row.group for row in rows)
    return "no group in two of them" if grouped else "each class alike, by a hash of the id"


def _without_lonely_labels(rows: Sequence[Row]) -> tuple[list[Row], list[Fault]]:
    """Leave out labels that occur once, and those that nothing can be trained on."""
    counts = Counter(row.label for row in rows)
    others = [label for label, count in counts.items() if count > 1][:MOST_CLOSE]
    lonely = sum(count == 1 for count in counts.values())
    trained = {row.label for row in rows if row.split == "train"}
    kept, faults = list[Row](), list[Fault]()
    for row in rows:
        if counts[row.label] == 1 and len(rows) > 1:
            near = others if lonely <= MOST_CLOSE else []  # so many are no slips of the pen
            close = difflib.get_close_matches(row.label, near, n=1)
            hint = f"is it {close[0]!r}, misspelt?" if close else "add more samples, or take it out"
            faults.append(Fault(row.where, f"the label {row.label!r} occurs once: {hint}", row.id))
        elif trained and row.label not in trained:
            what = (
                f"the label {row.label!r} is missing from train, so nobody can learn it: add some"
            )
            faults.append(Fault(row.where, what, row.id))
        else:
            kept.append(row)
    return kept, faults


def _natural(label: str) -> list[tuple[int, str]]:
    """Sort "2" before "10"."""
    return [
        (int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", label)
    ]


def _listed(names: Sequence[str], most: int = 5) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(map(repr, names[:most])) + more


def _with_first(message: str, faults: Sequence[Fault]) -> str:
    return (
        f"{message}\n  {counted(len(faults), 'fault')}, the first: {faults[0]}"
        if faults
        else message
    )


def count(manifest: Manifest) -> dict[str, dict[str, int]]:
    """Return class -> split -> number of samples."""
    counts: dict[str, dict[str, int]] = {
        name: dict.fromkeys(SPLITS, 0) for name in manifest.classes
    }
    for row in manifest.rows:
        counts[row.label][row.split] += 1
    return counts
