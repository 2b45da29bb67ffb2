"""Named random generators: the same seed and name give the same numbers, wherever asked."""

from __future__ import annotations

import hashlib

import torch


def generator(seed: int, *name: object) -> torch.Generator:
    """Return a fresh generator for one named purpose.

    Since the name holds the position (epoch, pass, ...), nothing about randomness needs saving:
    a restored or forked session asks for the same name and gets the same numbers.

    Parameters
    ----------
    seed : int
    *name : object
        What the numbers are for, for example ``"order", epoch``.

    Examples
    --------
    >>> a, b = generator(0, "batches", 3), generator(0, "batches", 3)
    >>> bool((torch.randperm(9, generator=a) == torch.randperm(9, generator=b)).all())
    True
    """
    text = "/".join(map(str, (seed, *name)))
    digest = hashlib.sha256(text.encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "big") >> 1)
