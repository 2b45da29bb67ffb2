"""Texts as the tokens of a pretrained model."""

import pytest
import torch

from mla_core import ConfigError
from mla_core.data.samples.tokens import Tokenizer
from mla_core.encoders.choice import EncoderChoice
from mla_core.encoders.pretrained import load_pretrained


@pytest.fixture(scope="module")
def words(tmp_path_factory):
    """Give the folder of a tokenizer of words that marks where a text begins and ends."""
    from tokenizers import Tokenizer as Words
    from tokenizers import models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    known = {"<pad>": 0, "?": 1, "<s>": 2, "</s>": 3, "a": 4, "red": 5, "cat": 6}
    made = Words(models.WordLevel(known, unk_token="?"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    made.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 2), ("</s>", 3)]
    )
    folder = tmp_path_factory.mktemp("words")
    marks = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>", "unk_token": "?"}
    PreTrainedTokenizerFast(tokenizer_object=made, **marks).save_pretrained(folder)
    return str(folder)


def test_codes_are_ids_plus_one_and_zero_is_padding(words):
    tokenizer = Tokenizer(words, length=5)
    codes = tokenizer.encode(["a cat", "", "a red red red cat", "a\x00dog"])
    assert codes.dtype == torch.int64
    assert codes.tolist()[:3] == [[3, 5, 7, 4, 0], [3, 4, 0, 0, 0], [3, 5, 6, 6, 4]]
    assert [tokenizer.decode(row) for row in codes[:3]] == ["a cat", "", "a red red"]
    assert tokenizer.encode([]).shape == (0, 5)


def test_a_texts_tokens_are_a_modality_that_a_model_reads(words, models):
    tokenizer = Tokenizer(words, length=5)
    modality = tokenizer.modality("title")
    assert (modality.kind, modality.shape, modality.codes) == ("tokens", (5,), 7)
    encoder = load_pretrained(EncoderChoice(models("bert")), modality)
    assert encoder(tokenizer.encode(["a cat", ""])).shape == (2, 16)


@pytest.mark.parametrize("length", [0, -1, 2.5, True, "5"])
def test_a_bad_length_is_refused(length, words):
    with pytest.raises(ConfigError, match=f"length .* at least 1, not {length!r}"):
        Tokenizer(words, length=length)


def test_a_model_without_a_tokenizer_is_refused(models, tmp_path):
    with pytest.raises(ConfigError, match="cannot load the pretrained model"):
        Tokenizer(str(tmp_path))
    with pytest.raises(ConfigError, match="there is no folder"):
        Tokenizer("/no/such/folder")
