"""Containers of numbers, npz and safetensors: one reader and one writer for each.

Whatever is wrong with a file becomes one sentence with its name and what to do about it: the
libraries raise a dozen kinds of errors. What an npz would take in memory is known before it is read.
"""

from __future__ import annotations

import math
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mla_core.errors import DataError
from mla_core.files import check_is_file, written_whole

if TYPE_CHECKING:
    from torch import Tensor

PLENTY = 2**30  # bytes that any npz may take
SWELLING = 50  # and beyond that, so many times its size on disk: deflate can do a thousand


def read_npz(path: Path, cure: str) -> dict[str, NDArray[Any]]:
    """Read all arrays of an npz file.

    Parameters
    ----------
    path : Path
    cure : str
        How the sentence ends when it cannot be read: what to do about it.

    Raises
    ------
    DataError
        When the file is missing, damaged, holds anything but plain arrays, or would take much more
        memory than its size on disk lets expect.

    Examples
    --------
    >>> path = getfixture("tmp_path") / "numbers.npz"
    >>> write_npz(path, {"a": np.arange(3)})
    >>> read_npz(path, "run it again")
    {'a': array([0, 1, 2])}
    """
    with _told(path, "npz", cure), path.open("rb") as file, zipfile.ZipFile(file) as stored:
        _check_size(stored, path.stat().st_size)
        file.seek(0)
        with np.load(file, allow_pickle=False) as arrays:
            return {name: np.asarray(arrays[name]) for name in arrays.files}


def write_npz(path: Path, arrays: Mapping[str, Any]) -> None:
    """Write arrays as a compressed npz file, whole or not at all."""
    with written_whole(path) as beside, beside.open("wb") as file:
        np.savez_compressed(file, **arrays)


def read_safetensors(path: Path, cure: str) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Read all tensors of a safetensors file, and the texts that stand with them.

    Parameters
    ----------
    path : Path
    cure : str
        As for `read_npz`.

    Raises
    ------
    DataError
        When the file is missing or damaged.
    """
    from safetensors import safe_open

    with _told(path, "safetensors", cure), safe_open(path, framework="pt") as stored:
        tensors = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118 - no dict
        return tensors, dict(stored.metadata() or {})


def write_safetensors(
    path: Path, tensors: Mapping[str, Tensor], texts: Mapping[str, str] | None = None
) -> None:
    """Write tensors, and texts with them, as a safetensors file, whole or not at all."""
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    with written_whole(path) as beside:
        try:
            plain = {name: x.contiguous() for name, x in tensors.items()}
            save_file(plain, beside, metadata=dict(texts) if texts else None)
        except SafetensorError as error:  # so it tells of a full disk
            raise OSError(str(error)) from error


@contextmanager
def _told(path: Path, kind: str, cure: str) -> Iterator[None]:
    """Say whatever goes wrong in one sentence."""
    check_is_file(path, cure)
    try:
        yield
    except Exception as error:
        # Damage makes zipfile, zlib, numpy and safetensors raise a dozen kinds of errors.
        reason = str(error) or type(error).__name__
        msg = f"{str(path)!r} is damaged, or no {kind} file ({reason}): {cure}"
        raise DataError(msg) from error


def _check_size(stored: zipfile.ZipFile, on_disk: int) -> None:
    """Raise `ValueError` when arrays would take too much, or are not what the archive says."""
    names = stored.namelist()
    if len(set(names)) < len(names):
        msg = "an array of it is there twice"
        raise ValueError(msg)
    most, total = max(PLENTY, SWELLING * on_disk), 0
    for name in names:
        with stored.open(name) as member:
            version = np.lib.format.read_magic(member)
            of_version = {
                (1, 0): np.lib.format.read_array_header_1_0,
                (2, 0): np.lib.format.read_array_header_2_0,
            }
            if version not in of_version:
                msg = f"{name!r} is of the npy version {version}"
                raise ValueError(msg)
            shape, _, dtype = of_version[version](member)
        if dtype.hasobject:
            msg = f"{name!r} holds Python objects, which are never loaded"
            raise ValueError(msg)
        total += math.prod(shape) * dtype.itemsize
        if total > most:
            msg = (
                f"its arrays would take {total / 1e9:.1f} GB, but the file has {on_disk / 1e6:.1f} "
                "MB; if that is meant, write it with numpy.savez, which does not compress"
            )
            raise ValueError(msg)
