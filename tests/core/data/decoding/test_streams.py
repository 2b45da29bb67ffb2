"""Sounds that do not say how long they last, and pieces of sounds that build on what was before."""

import av
import numpy as np
import pytest

from mla_core.data.decoding import Preparation, decoder, read_sound
from mla_core.data.samples import Source

RATE = 16000
QUIET, LOUD = 4, 3  # seconds; at a changing rate of bits the first ones mislead whoever guesses
FORMS = {  # what is written, what its container is told, and what its encoder
    "guessed.mp3": (
        "mp3",
        "mp3",
        {"write_xing": "0"},
        {"flags": "+qscale", "global_quality": "590"},
    ),
    "told.mp3": ("mp3", "mp3", {}, {}),
    "adts.aac": ("aac", "adts", {}, {}),
    "adts.wav": ("aac", "adts", {}, {}),  # as a wrong name
    "track.m4a": ("aac", "ipod", {}, {}),
    "track.mkv": ("aac", "matroska", {}, {}),
}


def written(path):
    codec, form, of_container, of_codec = FORMS[path.name]
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, LOUD * RATE)
    x = np.concatenate([np.zeros(QUIET * RATE), noise]).astype(np.float32)
    with av.open(str(path), "w", format=form, options=of_container) as container:
        stream = container.add_stream(codec, rate=RATE, options=of_codec)
        frame = av.AudioFrame.from_ndarray(x[None], format="fltp", layout="mono")
        frame.sample_rate = RATE
        size = stream.frame_size or None
        resampler = av.AudioResampler(stream.format, stream.layout, RATE, frame_size=size)
        for part in (*resampler.resample(frame), *resampler.resample(None), None):
            container.mux(stream.encode(part))
    return path


@pytest.mark.parametrize("name", FORMS)
def test_a_sound_lasts_as_long_as_it_is_heard(name, tmp_path):
    source = Source(name, written(tmp_path / name))
    ((told,), heard) = (
        decoder("sound", Preparation()).look(source).size,
        read_sound(source, RATE, 60),
    )
    assert told == pytest.approx(len(heard) / RATE, abs=0.1)
    assert told == pytest.approx(QUIET + LOUD, abs=0.2)
    begins = np.flatnonzero(np.abs(heard) > 0.1)[0] / RATE
    assert begins == pytest.approx(QUIET, abs=0.1)


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize("start", [0.3, 4.5, 6.0])
def test_a_piece_is_what_the_whole_has_there(name, start, tmp_path):
    path = written(tmp_path / name)
    whole = read_sound(Source(name, path), RATE, 60)
    piece = read_sound(Source(name, path, start=start, stop=start + 0.4), RATE, 60)
    there = whole[round(start * RATE) :][: len(piece)]
    assert len(piece) == pytest.approx(0.4 * RATE, abs=1)
    np.testing.assert_allclose(piece[: len(there)], there, atol=1e-3)
