"""Texts: read as UTF-8, as rows of character codes or of a tokenizer's tokens."""

from __future__ import annotations

import functools
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from mla_core.data.characters import encode
from mla_core.data.decoding.base import Decoder, Looked
from mla_core.data.source import Source
from mla_core.data.split import Modality
from mla_core.errors import DataError, MissingPackageError

SUFFIXES = (".txt",)
LARGEST = 2**20  # bytes of one text


class CharactersDecoder(Decoder):
    """(characters,) int32: code i + 1 stands for character i of all that occur, 0 is padding."""

    kind = "characters"
    dtype = np.int32
    uses: ClassVar[tuple[str, ...]] = ("characters",)

    def look(self, source: Source) -> Looked:
        """Read it."""
        text = read_text(source)
        return Looked((float(len(text)),), frozenset(text))

    def modality(self, name: str, looked: Sequence[Looked]) -> Modality:
        """Return as many characters as the longest text has, within bounds."""
        longest = max(int(one.size[0]) for one in looked)
        found = frozenset[str]().union(*(one.characters for one in looked))
        length = min(longest, self.preparation.characters)
        return Modality(name, self.kind, (length,), vocabulary="".join(sorted(found)))

    def decode(self, source: Source, modality: Modality) -> NDArray[Any]:
        """Read it, and cut it where it is too long."""
        text = read_text(source)[: modality.shape[0]]
        return encode([text], modality.vocabulary, modality.shape[0])[0].numpy().astype(np.int32)

    def cut(self, modality: Modality, looked: Looked) -> str:
        """Tell a text that is longer than what is taken of it."""
        length = modality.shape[0]
        return f"longer than {length} characters" if looked.size[0] > length else ""


def read_text(source: Source) -> str:
    """Return a text with its white space made single spaces, and composed characters (NFC).

    Raises
    ------
    DataError
        When it is not UTF-8, holds NUL bytes, or is empty.
    """
    content = source.read()
    if isinstance(content, Path):
        size = content.stat().st_size
        if size > LARGEST:
            msg = f"has {size / 2**20:.1f} MB, more than a text of one sample: cut it"
            raise DataError(msg)
        content = content.read_bytes()
    if isinstance(content, bytes):
        content = _decode(content)
    if not isinstance(content, str):
        msg = f"is {type(content).__name__}, not text"
        raise DataError(msg)
    if "\0" in content:
        msg = "holds NUL bytes: it is UTF-16 or no text at all, so save it as UTF-8"
        raise DataError(msg)
    text = " ".join(unicodedata.normalize("NFC", content).split())
    if not text:
        msg = "is empty: write a text, or leave the manifest's cell empty"
        raise DataError(msg)
    return text


def _decode(raw: bytes) -> str:
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        msg = "is a text in UTF-16: save it as UTF-8"
        raise DataError(msg)
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        msg = f"is not UTF-8 (byte {error.start} is {raw[error.start]:#04x}): save it as UTF-8"
        raise DataError(msg) from error


class TokensDecoder(CharactersDecoder):
    """(tokens,) int32: code i + 1 stands for the tokenizer's id i, 0 is padding."""

    kind = "tokens"
    uses = ("characters", "tokenizer")

    def look(self, source: Source) -> Looked:
        """Read it and count its tokens."""
        return Looked((float(len(self._ids(source))),))

    def modality(self, name: str, looked: Sequence[Looked]) -> Modality:
        """Return as many tokens as the longest text has, within bounds."""
        length = min(max(int(one.size[0]) for one in looked), self.preparation.characters)
        size = len(tokenizer(self.preparation.tokenizer))
        return Modality(name, self.kind, (length,), vocabulary_size=size)

    def decode(self, source: Source, modality: Modality) -> NDArray[Any]:
        """Read it, and cut it where it is too long."""
        codes = np.zeros(modality.shape, np.int32)
        ids = self._ids(source)[: len(codes)]
        codes[: len(ids)] = np.asarray(ids) + 1
        return codes

    def cut(self, modality: Modality, looked: Looked) -> str:
        """Tell a text that is longer than what is taken of it."""
        length = modality.shape[0]
        return f"longer than {length} tokens" if looked.size[0] > length else ""

    def _ids(self, source: Source) -> list[int]:
        ids: list[int] = tokenizer(self.preparation.tokenizer)(read_text(source))["input_ids"]
        return ids


@functools.cache
def tokenizer(name: str) -> Any:
    """Return the tokenizer in a folder, or of that name.

    Raises
    ------
    DataError
        When `transformers` is not installed, or does not know it.
    """
    try:
        from transformers import AutoTokenizer
    except ImportError as error:
        msg = "tokens need the package transformers: pip install -e '.[transformers]'"
        raise MissingPackageError(msg) from error
    try:
        return AutoTokenizer.from_pretrained(name, trust_remote_code=False)
    except (OSError, ValueError) as error:
        msg = f"there is no tokenizer {name!r}: name a folder that holds one, or one on the hub"
        raise DataError(msg) from error
