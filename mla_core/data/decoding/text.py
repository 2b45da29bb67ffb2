"""Texts: read as UTF-8, as rows of character codes or of a tokenizer's tokens."""

from __future__ import annotations

import functools
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from mla_core.data.decoding.base import Decoder, Looked
from mla_core.data.samples import Modality, Source, as_utf8, composed, encode
from mla_core.errors import DataError

if TYPE_CHECKING:
    from mla_core.data.samples import Tokenizer

SUFFIXES = (".txt",)
LARGEST = 2**20  # bytes of one text
SHORT = 256  # characters that take less room than a set of them


class CharactersDecoder(Decoder):
    """(characters,) int32: code i + 1 stands for character i of all that occur, 0 is padding."""

    kind = "characters"
    dtype = np.int32
    uses: ClassVar[tuple[str, ...]] = ("characters",)

    def look(self, source: Source) -> Looked:
        """Read it."""
        text = read_text(source)
        return Looked((float(len(text)),), text if len(text) <= SHORT else "".join(set(text)))

    def modality(self, name: str, looked: Sequence[Looked]) -> Modality:
        """Return as many characters as the longest text has, within bounds."""
        longest = max(int(one.size[0]) for one in looked)
        found = set[str]().union(*(one.characters for one in looked))
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
        When it is not UTF-8, holds NUL bytes or halves of characters, or has nothing to see.
    """
    content = source.read()
    if isinstance(content, Path):
        size = content.stat().st_size
        if size > LARGEST:
            msg = f"has {size / 2**20:.1f} MB, more than a text of one sample: cut it"
            raise DataError(msg)
        content = content.read_bytes()
    if isinstance(content, bytes):
        content = as_utf8(content)
    if not isinstance(content, str):
        msg = f"is {type(content).__name__}, not text"
        raise DataError(msg)
    text = " ".join(composed(content).split())
    if not text or (not text.isascii() and all(c == " " or _is_unseen(c) for c in text)):
        msg = "is empty: write a text, or leave the manifest's cell empty"
        raise DataError(msg)
    return text


def _is_unseen(character: str) -> bool:
    """Whether it takes no room, such as a mark of the direction of writing."""
    return unicodedata.category(character) == "Cf"


class TokensDecoder(CharactersDecoder):
    """(tokens,) int32: code i + 1 stands for the tokenizer's id i, 0 is padding."""

    kind = "tokens"
    uses: ClassVar[tuple[str, ...]] = ("characters", "tokenizer")

    def options(self) -> dict[str, Any]:
        """Return what else decides: the files of a tokenizer that lies in a folder."""
        folder = Path(self.preparation.tokenizer)
        files = (
            sorted(path for path in folder.iterdir() if path.is_file()) if folder.is_dir() else []
        )
        states = [(path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in files]
        return super().options() | {"files": states}

    def look(self, source: Source) -> Looked:
        """Read it and count its tokens, those that are cut off as one."""
        return Looked((float(_codes(self._longer, source).count_nonzero()),))

    def modality(self, name: str, looked: Sequence[Looked]) -> Modality:
        """Return as many tokens as the longest text has, within bounds."""
        length = min(max(int(one.size[0]) for one in looked), self.preparation.characters)
        size = self._tokenizer.vocabulary_size
        return Modality(name, self.kind, (length,), vocabulary_size=size)

    def decode(self, source: Source, modality: Modality) -> NDArray[Any]:
        """Read it; what is too long ends as the tokenizer ends texts."""
        codes = _codes(self._tokenizer, source)[: modality.shape[0]]
        return np.asarray(codes.numpy().astype(np.int32))

    def cut(self, modality: Modality, looked: Looked) -> str:
        """Tell a text that is longer than what is taken of it."""
        length = modality.shape[0]
        return f"longer than {length} tokens" if looked.size[0] > length else ""

    @functools.cached_property
    def _tokenizer(self) -> Tokenizer:
        from mla_core.data.samples import Tokenizer

        return Tokenizer(self.preparation.tokenizer, self.preparation.characters)

    @functools.cached_property
    def _longer(self) -> Tokenizer:
        from mla_core.data.samples import Tokenizer

        return Tokenizer(self.preparation.tokenizer, self.preparation.characters + 1)


def _codes(tokenizer: Tokenizer, source: Source) -> Tensor:
    codes: Tensor = tokenizer.encode([read_text(source)])[0]
    return codes
