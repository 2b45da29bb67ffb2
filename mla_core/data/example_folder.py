"""A folder as people have them: pictures, sounds and texts by label, some of them missing."""

from __future__ import annotations

from pathlib import Path

import torch

from mla_core.data.split import SPLITS
from mla_core.data.spoken_digits import load_spoken_digits
from mla_core.seeding import generator

SUFFIXES = {"image/png": ".png", "audio/wav": ".wav", "text/plain": ".txt"}


def write_example_folder(
    folder: str | Path, samples: int = 400, missing: float = 0.2, seed: int = 0
) -> Path:
    """Write spoken digits as files, ``<split>/<modality>/<class>/<id>.png``, and return the folder.

    Parameters
    ----------
    folder : str or Path
        Made when missing.
    samples : int
        Of all splits together, six in ten of them for training.
    missing : float
        Share of the files that are left out; every sample keeps one.
    seed : int

    Examples
    --------
    >>> folder = write_example_folder(getfixture("tmp_path"), samples=10)
    >>> sorted(path.name for path in folder.iterdir())
    ['test', 'train', 'val']
    """
    data = load_spoken_digits()
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
                path = Path(folder, side, part.modality, label, sample + SUFFIXES[part.mime])
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(part.data)
    return Path(folder)
