"""A stream of a Hugging Face data set onto the disk, where any row of it can be read."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any
from uuid import uuid4

from mla_core.errors import ConfigError, DataError
from mla_core.files import check_writable, no_room_told
from mla_core.progress import bar

PIECE = 2**20  # bytes


def is_stream(dataset: Any) -> bool:
    """Whether it can be read from its beginning to its end alone."""
    return hasattr(dataset, "column_names") and not hasattr(dataset, "__len__")


def stored_stream(stream: Any, cache: Path, name: str) -> Any:
    """Return the `datasets.Dataset` of all rows of a `datasets.IterableDataset`.

    They are read each time, as nobody can tell whether they have changed, and kept in one file
    that is named by a hash of its content.

    Parameters
    ----------
    stream : IterableDataset
        It must end.
    cache : Path
    name : str
        Of the split, in the progress bar.

    Raises
    ------
    DataError
        When it has no row, cannot be read to its end, or cannot be kept.
    """
    from datasets import Dataset

    partial = cache / f".stream-{uuid4().hex}.partial"
    try:
        check_writable(cache)
        with no_room_told(cache):
            _write(stream, partial, name)
        whole = cache / f"stream-{_hash(partial)}.arrow"
        if not whole.exists():
            partial.rename(whole)
    except ConfigError as error:
        msg = f"a stream cannot be kept ({error}) Set `cache`, or MLA_LAB_CACHE."
        raise DataError(msg) from error
    except DataError:
        raise
    except Exception as error:  # a stream raises whatever its source does
        kind = type(error).__name__
        msg = f"{name} cannot be read to its end ({kind}: {error}): mend it, or cut it with take"
        raise DataError(msg) from error
    finally:
        partial.unlink(missing_ok=True)
    return Dataset.from_file(str(whole))


def _write(stream: Any, file: Path, name: str) -> None:
    from datasets.arrow_writer import ArrowWriter

    writer = ArrowWriter(path=str(file), features=stream.features)
    with bar(desc=f"reading {name}", unit="row", delay=1.0, leave=False) as shown:
        for row in stream:
            writer.write(row)
            shown.update()
    if not shown.n:
        msg = f"{name} has no row: take it out, or look at what filters it"
        raise DataError(msg)
    writer.finalize()


def _hash(file: Path) -> str:
    found = hashlib.sha256()
    with file.open("rb") as content:
        while piece := content.read(PIECE):
            found.update(piece)
    return found.hexdigest()[:24]
