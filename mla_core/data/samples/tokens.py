"""Texts as the tokens of a pretrained model: what its encoder reads."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from mla_core.data.samples.split import Modality
from mla_core.errors import ConfigError
from mla_core.hub import quiet, require_transformers, source_of, unreadable


class Tokenizer:
    """Texts -> (N, L) codes, as a modality of the kind ``tokens`` holds them.

    A code is the tokenizer's id plus one; 0 is padding, whatever the tokenizer pads with.

    Parameters
    ----------
    name : str
        The pretrained model: a folder, or a name on the Hugging Face Hub.
    length : int
        L: longer texts are cut, and end as the model's texts end.
    revision : str
        Of a model on the Hub.

    Attributes
    ----------
    vocabulary_size : int
        How many ids there are.

    Raises
    ------
    ConfigError
        When there is no such model, or it has no tokenizer.

    Examples
    --------
    >>> from tokenizers import Tokenizer as Words, models, pre_tokenizers
    >>> from transformers import PreTrainedTokenizerFast
    >>> words = Words(models.WordLevel({"?": 0, "a": 1, "cat": 2}, unk_token="?"))
    >>> words.pre_tokenizer = pre_tokenizers.Whitespace()
    >>> folder = str(getfixture("tmp_path"))
    >>> _ = PreTrainedTokenizerFast(tokenizer_object=words).save_pretrained(folder)
    >>> tokenizer = Tokenizer(folder, length=5)
    >>> codes = tokenizer.encode(["a cat", ""])
    >>> codes.shape, tokenizer.decode(codes[0])
    (torch.Size([2, 5]), 'a cat')
    >>> tokenizer.modality("title").vocabulary_size == tokenizer.vocabulary_size
    True
    """

    def __init__(self, name: str, length: int = 64, revision: str = "") -> None:
        if isinstance(length, bool) or not isinstance(length, int) or length < 1:
            msg = f"length must be a whole number of at least 1, not {length!r}"
            raise ConfigError(msg)
        transformers = require_transformers(name)
        try:
            with quiet(transformers):
                self._tokenizer = transformers.AutoTokenizer.from_pretrained(
                    source_of(name), revision=revision or "main", trust_remote_code=False
                )
        except (OSError, ValueError, KeyError, TypeError, ImportError) as error:
            raise unreadable(name, error) from error
        self.name = name
        self.length = length
        self.vocabulary_size = len(self._tokenizer)

    def encode(self, texts: Sequence[str]) -> Tensor:
        """Return the codes (N, L) int64 of N texts."""
        codes = torch.zeros(len(texts), self.length, dtype=torch.int64)
        if not len(texts):
            return codes
        found = self._tokenizer(list(texts), truncation=True, max_length=self.length)
        for row, ids in zip(codes, found["input_ids"], strict=True):
            row[: len(ids)] = torch.tensor(ids, dtype=torch.int64) + 1
        return codes

    def decode(self, codes: Tensor) -> str:
        """Return one text (L,), without the marks that the tokenizer puts around it."""
        ids = [code - 1 for code in codes.tolist() if code > 0]
        return str(self._tokenizer.decode(ids, skip_special_tokens=True)).strip()

    def modality(self, name: str) -> Modality:
        """Return the modality that the codes make."""
        return Modality(
            name,
            "tokens",
            (self.length,),
            vocabulary_size=self.vocabulary_size,
            note=f"tokens of {self.name}",
        )
