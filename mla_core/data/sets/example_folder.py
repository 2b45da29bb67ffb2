"""A folder as people have them: pictures, sounds and texts by label, some of them missing."""

from __future__ import annotations

from pathlib import Path

import torch

from mla_core.data.files import default_cache
from mla_core.data.samples import SPLITS
from mla_core.data.sets.spoken_digits import load_spoken_digits
from mla_core.files import written_whole
from mla_core.seeding import generator

NOISE = (0.0, -5.0, 0.3)  # of picture, sound and text: easier than the data set's own
SUFFIXES = {"image/png": ".png", "audio/wav": ".wav", "text/plain": ".txt"}


def write_example_folder(
    folder: str | Path = "", samples: int = 400, missing: float = 0.2, seed: int = 0
) -> Path:
    """Write spoken digits as files, ``<split>/<modality>/<class>/<id>.png``, and return the folder.

    Parameters
    ----------
    folder : str or Path
        Left as it is when it is there already; empty means one beside the prepared data.
    samples : int
        Of all splits together, six in ten of them for training.
    missing : float
        Share of the files that are left out; every sample keeps one.
    seed : int

    Examples
    --------
    >>> folder = write_example_folder(getfixture("tmp_path") / "digits", samples=10)
    >>> sorted(path.name for path in folder.iterdir())
    ['test', 'train', 'val']
    """
    place = (
        Path(folder)
        if str(folder)
        else default_cache() / f"example-{samples}-{missing}-{seed}" / "digits"
    )
    if place.exists():
        return place
    with written_whole(place) as beside:
        _write(beside, samples, missing, seed)
    return place


def _write(folder: Path, samples: int, missing: float, seed: int) -> None:
    data = load_spoken_digits(NOISE)
    names = list(data.modalities)
    for side, share in zip(SPLITS, (0.6, 0.2, 0.2), strict=True):
        split = data.split(side).probe(max(1, round(share * samples)))
        source = generator(seed, "example folder", side)
        absent = torch.rand(len(names), len(split), generator=source) < missing
        kept = torch.randint(len(names), (len(split),), generator=source)
        absent[kept, torch.arange(len(split))] = False
        for i, sample in enumerate(split.ids):
            label = data.classes[int(split.labels[i])]
            for part in data.media(sample):
                if absent[names.index(part.modality), i]:
                    continue
                path = folder / side / part.modality / label / (sample + SUFFIXES[part.mime])
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(part.data)


def tree(folder: Path, most: int = 3) -> str:
    """Return a drawing of a folder, of each level the first few.

    Examples
    --------
    >>> folder = getfixture("tmp_path") / "birds"
    >>> for name in ("owl/1.wav", "owl/2.wav", "tit/3.wav"):
    ...     (folder / name).parent.mkdir(parents=True, exist_ok=True)
    ...     _ = (folder / name).write_bytes(b"")
    >>> print(tree(folder, most=1))
    birds/
      owl/
        1.wav
        ... and 1 more
      ... and 1 more
    """
    lines = [f"{folder.name}/"]

    def draw(inside: Path, indent: str) -> None:
        entries = sorted(inside.iterdir())
        for path in entries[:most]:
            lines.append(f"{indent}{path.name}{'/' if path.is_dir() else ''}")
            if path.is_dir():
                draw(path, indent + "  ")
        if len(entries) > most:
            lines.append(f"{indent}... and {len(entries) - most} more")

    draw(folder, "  ")
    return "\n".join(lines)
