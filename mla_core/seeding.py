"""Named random generators: the same seed and name give the same numbers, wherever asked."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch

_DRAWING = threading.RLock()


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


@contextmanager
def drawing_alone(devices: Sequence[torch.device] = ()) -> Iterator[None]:
    """Let a block draw from torch's global generator, which is put back afterwards.

    Other threads wait with theirs: each would find a generator that the other one has seeded.

    Parameters
    ----------
    devices : sequence of torch.device
        GPUs whose generators are put back, too.

    Examples
    --------
    >>> before = torch.get_rng_state()
    >>> with drawing_alone():
    ...     _ = torch.rand(3)
    >>> torch.equal(torch.get_rng_state(), before)
    True
    """
    with _DRAWING, torch.random.fork_rng(devices):
        yield
