"""The kind of modality `sequence`: its encoder, and the picture of lines."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from mla_core.data.samples.media import LINES, lines_png, media_from_tensor, name_lines
from mla_core.data.samples.split import Modality
from mla_core.encoders.small import build_encoder


def picture(values):
    return np.asarray(Image.open(io.BytesIO(lines_png(np.array(values)))).convert("RGB"), dtype=int)


def where(pixels, colour):
    return np.argwhere(np.abs(pixels - LINES[colour]).sum(-1) < 60)


@pytest.mark.parametrize("shape", [(1, 1), (3, 100), (6, 7)])
def test_the_encoder_reads_any_number_of_channels_and_steps(shape):
    seed = torch.Generator().manual_seed(0)
    encoder = build_encoder(Modality("x", "sequence", shape), 16, seed)
    x = torch.randn(5, *shape)
    features = encoder(x)
    assert features.shape == (5, 16)
    assert torch.allclose(encoder(x[2:3]), features[2:3], atol=1e-6)  # no sample sees another
    features.sum().backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in encoder.parameters())


def test_the_encoder_tells_when_something_happens():
    encoder = build_encoder(Modality("x", "sequence", (1, 64)), 16, torch.Generator())
    early, late = torch.zeros(2, 1, 1, 64)
    early[..., 4:8], late[..., 56:60] = 1, 1
    assert not torch.allclose(encoder(early), encoder(late), atol=1e-3)


def test_a_rising_line_rises():
    places = where(picture([np.linspace(1, 2, 50)]), "blue")
    left, right = places[places[:, 1] < 20], places[places[:, 1] > 300]
    assert left[:, 0].mean() > right[:, 0].mean() + 50  # rows count from the top


def test_every_channel_has_its_colour_and_zero_is_between_plus_and_minus():
    pixels = picture([[1.0, 1.0], [-1.0, -1.0], [0.5, 0.5]])
    rows = {colour: where(pixels, colour)[:, 0].mean() for colour in ("blue", "orange", "green")}
    assert rows["blue"] < rows["green"] < 79.5 < rows["orange"]
    assert rows["blue"] + rows["orange"] == pytest.approx(159, abs=1)


def test_a_flat_line_and_a_single_step_can_be_drawn():
    assert picture(np.zeros((2, 9))).shape == picture([[3.0]]).shape == (160, 320, 3)


def test_a_sequence_without_words_of_its_own_is_shown_all_the_same():
    media = media_from_tensor("x", "sequence", torch.randn(2, 30))
    assert media.mime == "image/png"
    assert media.caption == "lines over time: 1 blue, 2 orange"


def test_colours_come_back_when_there_are_more_channels():
    assert name_lines(range(7)).endswith("5 black, 6 blue")
