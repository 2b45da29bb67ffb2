"""A manifest proposed from a folder tree: names of folders are splits, modalities and labels."""

from __future__ import annotations

import csv
import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from mla_core.data.decoding import KIND_OF_SUFFIX
from mla_core.data.samples import SPLITS
from mla_core.errors import DataError

SIDES = {**{side: side for side in SPLITS}, "training": "train", "valid": "val"} | {
    "validation": "val",
    "dev": "val",
    "testing": "test",
}


@dataclass(frozen=True)
class Proposal:
    """Lines of a manifest.

    Attributes
    ----------
    modalities : tuple of str
        The columns; that of folders of frames says ``:video``, as in ``frames:video``.
    lines : list of dict
        Column -> cell.
    ignored : tuple of str
        Files of no known kind, and those that would be a sample's second part of one modality.
    unlabelled : int
        Samples whose label has to be filled in.
    """

    modalities: tuple[str, ...]
    lines: list[dict[str, str]]
    ignored: tuple[str, ...]
    unlabelled: int


def propose(folder: Path) -> Proposal:
    """Return a manifest for the media in a folder; links to folders are not followed.

    Read from the names of folders, in any order: a split (``train``, ``val``, ``test``, ...); a
    modality, which is a folder that holds one kind of files while others hold others; and a label,
    the innermost of those that remain. Files with the same split, label and stem are one sample.
    A folder of numbered pictures is one video when they are called frames (``frame_01.jpg``), or
    when another file of the same split, label and stem is there (``owl/1/001.jpg``, ``owl/1.wav``).

    Raises
    ------
    DataError
        When there is no such folder, or no media in it.

    Examples
    --------
    >>> folder = getfixture("tmp_path")
    >>> for name in ("images/owl/1.jpg", "sounds/owl/1.wav", "images/tit/2.jpg"):
    ...     (folder / name).parent.mkdir(parents=True, exist_ok=True)
    ...     _ = (folder / name).write_bytes(b"")
    >>> for line in propose(folder).lines:
    ...     print(line)
    {'id': 'owl/1', 'label': 'owl', 'split': '', 'images': 'images/owl/1.jpg', 'sounds': 'sounds/owl/1.wav'}
    {'id': 'tit/2', 'label': 'tit', 'split': '', 'images': 'images/tit/2.jpg', 'sounds': ''}
    """
    if not folder.is_dir():
        msg = f"there is no folder {str(folder)!r}"
        raise DataError(msg)
    every = [path.relative_to(folder) for path in _files(folder)]
    files = [PurePosixPath(path) for path in every if _kind(path) not in {"", "series"}]
    ignored = [str(path) for path in every if _kind(path) in {"", "series"}]
    if not files:
        kinds = ", ".join(KIND_OF_SUFFIX)
        msg = f"there is no file of a known kind ({kinds}) in {str(folder)!r}"
        raise DataError(msg)
    named = _modality_folders(files)
    frames = _folders_of_frames(files, named)
    parts = dict.fromkeys(path.parent if path.parent in frames else path for path in files)
    modality_of = {path: _modality(path, named, video=path in frames) for path in parts}
    videos = {modality_of[folder] for folder in frames}
    columns = {m: f"{m}:video" if m in videos else m for m in modality_of.values()}
    lines: dict[str, dict[str, str]] = {}
    for path, modality in modality_of.items():
        side, rest, stem = _key(path, named, folder=path in frames)
        sample = "/".join([*([side] if side else []), *rest, stem])
        label = rest[-1] if rest else ""
        line = lines.setdefault(sample, {"id": sample, "label": label, "split": side})
        if columns[modality] in line:
            ignored.append(str(path))
        else:
            line[columns[modality]] = str(path)
    found = [line | {c: line.get(c, "") for c in columns.values()} for line in lines.values()]
    unlabelled = sum(not line["label"] for line in found)
    return Proposal(tuple(columns.values()), found, tuple(ignored), unlabelled)


def write_proposal(proposal: Proposal, path: Path) -> None:
    """Write the manifest; a file that is there already is left alone.

    Raises
    ------
    DataError
        When it is there already, or cannot be written.
    """
    try:
        with path.open("x", newline="", encoding="utf-8") as file:
            table = csv.DictWriter(
                file, ["id", "label", "split", *proposal.modalities], lineterminator="\n"
            )
            table.writeheader()
            table.writerows(proposal.lines)
    except FileExistsError as error:
        msg = f"{str(path)!r} is there already: rename it, or name another file with --out"
        raise DataError(msg) from error
    except OSError as error:
        msg = f"cannot write {str(path)!r}: {error.strerror}. Name another file with --out"
        raise DataError(msg) from error


def propose_manifest(folder: str | Path) -> Path:
    r"""Return ``manifest.csv`` of a folder; it is proposed when it is not there.

    Examples
    --------
    >>> folder = getfixture("tmp_path")
    >>> _ = (folder / "owl.txt").write_text("hoo")
    >>> propose_manifest(folder).read_text()
    'id,label,split,text\nowl,,,owl.txt\n'
    """
    path = Path(folder, "manifest.csv")
    if not path.exists():
        write_proposal(propose(Path(folder)), path)
    return path


def _files(folder: Path) -> Iterator[Path]:
    for where, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if not name.startswith("."):
                yield Path(where, name)


def _kind(path: Path | PurePosixPath) -> str:
    return KIND_OF_SUFFIX.get(path.suffix.lower(), "")


def _modality_folders(files: Sequence[PurePosixPath]) -> frozenset[tuple[int, str]]:
    """Return (depth, name) of the folders that are modalities, without counting split folders.

    At that depth every folder holds one kind, and there are at least two kinds.
    """
    kinds: dict[int, dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    for path in files:
        for depth, name in enumerate(_plain(path)):
            kinds[depth][name][_kind(path)] += 1
    for depth, folders in sorted(kinds.items()):
        pure = all(len(found) == 1 for found in folders.values())
        if pure and len({next(iter(found)) for found in folders.values()}) > 1:
            return frozenset((depth, name) for name in folders)
    return frozenset()


def _folders_of_frames(
    files: Sequence[PurePosixPath], named: frozenset[tuple[int, str]]
) -> frozenset[PurePosixPath]:
    """Return the folders whose pictures are the frames of one video."""
    held: dict[PurePosixPath, list[PurePosixPath]] = defaultdict(list)
    for path in files:
        held[path.parent].append(path)
    others = {_key(path, named) for path in files if _kind(path) != "image"}

    def holds_frames(folder: PurePosixPath, inside: list[PurePosixPath]) -> bool:
        numbered = all(re.fullmatch(r"\D*\d+", path.stem) for path in inside)
        names = {path.stem.rstrip("0123456789").lower() for path in inside}
        kinds = {_kind(path) for path in inside}
        if not (numbered and len(names) == 1 and kinds == {"image"} and folder.name):
            return False
        return "frame" in min(names) or _key(folder, named, folder=True) in others

    return frozenset(folder for folder, inside in held.items() if holds_frames(folder, inside))


def _plain(path: PurePosixPath) -> list[str]:
    return [name for name in path.parts[:-1] if name.lower() not in SIDES]


def _modality(path: PurePosixPath, named: frozenset[tuple[int, str]], *, video: bool) -> str:
    """Return the name of the folder that is the modality, or the kind."""
    kind = "video" if video else _kind(path)
    folders = [name for depth, name in enumerate(_plain(path)) if (depth, name) in named]
    name = "".join(c if c.isascii() and c.isalnum() else "_" for c in (folders or [kind])[-1])
    return name if name[:1].isalpha() else f"m_{name}"


def _key(
    path: PurePosixPath, named: frozenset[tuple[int, str]], *, folder: bool = False
) -> tuple[str, tuple[str, ...], str]:
    """Return a sample's split, the other folders it lies in, and its stem."""
    side = next((SIDES[name.lower()] for name in path.parts[:-1] if name.lower() in SIDES), "")
    rest = [name for depth, name in enumerate(_plain(path)) if (depth, name) not in named]
    return side, tuple(rest), path.name if folder else path.stem
