"""Sounds and videos of which the end is missing, numbers that are no sound, pictures that are bombs."""

import numpy as np
import pytest
import soundfile

import mla_core as mla
from mla_core.data.decoding import Preparation, decoder
from mla_core.data.samples.source import Source
from tests.core.media_files import huge_png, sound, video

SOUNDS = (".wav", ".flac", ".ogg", ".mp3")
VIDEOS = (".mp4", ".avi", ".webm", ".flv", ".mkv")
MUTE = (".webm", ".flv")  # here is no codec for their sound
TOLD = "cut off|no video that can be read|no sound"


def make(path):
    if path.suffix in SOUNDS:
        return sound(path, seconds=1.0, rate=16000)
    return video(path, frames=48, fps=24, tone=0.0 if path.suffix in MUTE else 2.0)


def look(path):
    return decoder("sound" if path.suffix in SOUNDS else "video", Preparation()).look(
        Source("here", path)
    )


@pytest.mark.parametrize("suffix", [*SOUNDS, *VIDEOS])
def test_a_file_is_whole_or_told_as_cut(suffix, tmp_path):
    path = make(tmp_path / f"a{suffix}")
    raw = path.read_bytes()
    assert look(path).size
    for share in np.linspace(0.2, 0.98, 14):
        path.write_bytes(raw[: round(share * len(raw))])
        with pytest.raises(mla.DataError, match=TOLD):
            look(path)


@pytest.mark.parametrize("suffix", [suffix for suffix in VIDEOS if suffix not in MUTE])
def test_a_sound_track_is_whole_or_told_as_cut(suffix, tmp_path):
    path = make(tmp_path / f"a{suffix}")
    reader = decoder("sound", Preparation())
    assert reader.look(Source("here", path)).size[0] == pytest.approx(2.0, abs=0.2)
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(mla.DataError, match="cut off"):
        reader.look(Source("here", path))


@pytest.mark.parametrize("suffix", [".wav", ".mp4", ".mp3"])
def test_what_follows_the_end_does_no_harm(suffix, tmp_path):
    path = make(tmp_path / f"a{suffix}")
    with path.open("ab") as file:
        file.write(b"TAG" + bytes(125))
    assert look(path).size


def test_a_wav_that_was_streamed_does_not_know_its_length(tmp_path):
    path = make(tmp_path / "a.wav")
    raw = bytearray(path.read_bytes())
    at = raw.index(b"data") + 4
    raw[at : at + 4] = raw[4:8] = b"\xff\xff\xff\xff"
    path.write_bytes(raw)
    assert look(path).size == (1.0,)


@pytest.mark.parametrize(
    ("value", "what"),
    [(np.nan, "NaN"), (np.inf, "infinity"), (1e25, r"up to 1e\+25"), (3e38, "up")],
)
def test_numbers_that_are_no_sound(value, what, tmp_path):
    samples = np.full(1000, 0.1, np.float32)
    samples[500] = value
    soundfile.write(tmp_path / "a.wav", samples, 8000, subtype="FLOAT")
    reader, source = decoder("sound", Preparation(rate=8000)), Source("here", tmp_path / "a.wav")
    with pytest.raises(mla.DataError, match=what):
        reader.decode(source, reader.modality("s", [reader.look(source)]))


@pytest.mark.parametrize("side", [9500, 13_000, 20_000])
def test_no_picture_has_more_pixels_than_is_said(side, tmp_path):
    source = Source("here", huge_png(tmp_path / "a.png", side))
    with pytest.raises(mla.DataError, match="more than 89 million"):
        decoder("image", Preparation()).look(source)


def test_an_array_of_more_than_there_is_memory(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros(4, np.float32))
    raw = (tmp_path / "a.npy").read_bytes()
    (tmp_path / "a.npy").write_bytes(raw.replace(b"(4,), }" + b" " * 12, b"(9999999999999,), }"))
    with pytest.raises(mla.DataError, match="no array of plain numbers"):
        decoder("vector", Preparation()).look(Source("here", tmp_path / "a.npy"))
