"""From a manifest to a data set whose samples stay on disk."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mla_core.data.dataset import MultimodalDataset
from mla_core.data.decoding import Preparation
from mla_core.data.files import load_rows, read_manifest
from mla_core.outside import path_of


def load_manifest(
    path: str = "",
    *,
    root: str = "",
    missing_words: bool | None = None,
    prepare: Mapping[str, Any] | None = None,
    skip_bad: bool = False,
    cache: str = "",
) -> MultimodalDataset:
    r"""Your own files, as a manifest lists them (see `mla-lab data init`).

    Parameters
    ----------
    path : str
        Of the manifest, see `mla_core.data.files.manifest_file.read_manifest`.
    root : str
        Where its paths begin; empty means its own folder.
    missing_words : bool, optional
        Whether NaN, NA, null, None in a column of texts stand for no text, see there.
    prepare : mapping, optional
        Values of `mla_core.data.decoding.Preparation`, such as ``{"size": 64}``.
    skip_bad : bool
        Leave out what cannot be used (and list it in the run folder) instead of refusing it all.
    cache : str
        Where prepared data are kept; empty means ``MLA_LAB_CACHE``, or ``~/.cache/mla-lab``.

    Raises
    ------
    DataError
        With everything that is wrong, by file and line.

    Examples
    --------
    >>> folder = getfixture("tmp_path")
    >>> lines = [f"{i},{'owl' if i % 2 else 'tit'},{'hoo' if i % 2 else 'tsee'}" for i in range(40)]
    >>> _ = (folder / "birds.csv").write_text("\n".join(["id,label,song", *lines]))
    >>> load_manifest(str(folder / "birds.csv"), cache=str(folder))
    MultimodalDataset('birds': song; train 28, val 6, test 6)
    """
    path_of("the path of a manifest", path)
    path_of("the root of a manifest", root)
    return MultimodalDataset.of(
        load_rows(
            read_manifest(path, root, missing_words=missing_words),
            Preparation.of(prepare),
            skip_bad=skip_bad,
            cache=cache,
        )
    )
