"""Videos as telephones and cameras make them: turned, at uneven times, with sound that begins late."""

import struct
from fractions import Fraction

import av
import numpy as np
import pytest

from mla_core.data.decoding import Preparation, decoder
from mla_core.data.decoding.sound import read_sound
from mla_core.data.decoding.video import read_frames, read_track, track_length
from mla_core.data.samples.source import Source

RATE = 16000


def clip(path, frames, times, sound=None, sound_at=0.0):
    """An mp4 or mkv with these frames (H, W, 3) at these seconds, and samples from a moment on."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt, stream.codec_context.time_base = "yuv420p", Fraction(1, 100)
        track = container.add_stream("aac" if path.suffix == ".mp4" else "pcm_s16le", rate=RATE)
        for frame, time in zip(frames, times, strict=True):
            one = av.VideoFrame.from_ndarray(frame)
            one.pts, one.time_base = round(time * 100), Fraction(1, 100)
            container.mux(stream.encode(one))
        container.mux(stream.encode())
        if sound is not None:
            one = av.AudioFrame.from_ndarray(
                sound.astype(np.float32)[None], format="fltp", layout="mono"
            )
            one.sample_rate, one.pts = RATE, round(sound_at * RATE)
            one.time_base = Fraction(1, RATE)
            resampler = av.AudioResampler(track.format, track.layout, RATE, 1024)
            for part in (*resampler.resample(one), *resampler.resample(None), None):
                container.mux(track.encode(part))
    return path


def grey(value):
    return np.full((32, 32, 3), value, np.uint8)


def tone(seconds):
    return 0.5 * np.sin(2 * np.pi * 440 * np.arange(round(seconds * RATE)) / RATE)


# The matrix's a, b, c, d, and where a mark in the top left corner is seen: (row, column).
MATRICES = {
    "as it is": ((1, 0, 0, 1), (0, 0)),
    "quarter to the right": ((0, 1, -1, 0), (0, 1)),
    "half": ((-1, 0, 0, -1), (1, 1)),
    "quarter to the left": ((0, -1, 1, 0), (1, 0)),
    "mirrored": ((-1, 0, 0, 1), (0, 1)),
    "upside down": ((1, 0, 0, -1), (1, 0)),
    "across": ((0, 1, 1, 0), (0, 0)),
    "across the other way": ((0, -1, -1, 0), (1, 1)),
}


@pytest.mark.parametrize(("matrix", "corner"), MATRICES.values(), ids=MATRICES)
def test_a_video_is_turned_and_mirrored_as_players_show_it(matrix, corner, tmp_path):
    marked = np.concatenate([grey(20), grey(20)], 1)  # 32 x 64
    marked[:12, :24] = 230
    path = clip(tmp_path / "a.mp4", [marked] * 3, [0, 0.5, 1])
    raw = bytearray(path.read_bytes())
    at = raw.index(b"tkhd") + 44
    a, b, c, d = (value * 65536 for value in matrix)
    raw[at : at + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 2**30)
    path.write_bytes(raw)
    (found,) = read_frames(Source("here", path), [0.5])
    pixels = np.asarray(found).mean(2)
    turned = matrix[0] == 0
    assert pixels.shape == ((64, 32) if turned else (32, 64))
    rows, columns = pixels.shape
    quarters = {
        (r, c): pixels[(rows - 8) * r :, (columns - 8) * c :][:8, :8].mean()
        for r in (0, 1)
        for c in (0, 1)
    }
    assert max(quarters, key=quarters.get) == corner


def test_frames_at_uneven_times(tmp_path):
    times = [0.0, 0.1, 0.2, 1.9, 2.5, 4.0]
    path = clip(tmp_path / "a.mkv", [grey(40 * i) for i in range(6)], times)
    found = read_frames(Source("here", path), [0.0, 0.15, 1.0, 1.95, 3.9, 4.0, 9.0])
    greys = [np.asarray(frame).mean() for frame in found]
    assert greys == pytest.approx([0, 40, 80, 120, 160, 200, 200], abs=6)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
@pytest.mark.parametrize("begins", [0.0, 5.0])
def test_sound_that_begins_after_the_picture_is_heard_at_its_moment(suffix, begins, tmp_path):
    frames = [grey(min(255, 5 * i)) for i in range(41)]
    path = clip(
        tmp_path / f"a{suffix}",
        frames,
        [begins + i / 10 for i in range(41)],
        tone(2.0),
        begins + 1.5,
    )
    for start in (0.0, 1.0, 2.0):
        sound, rate = read_track(Source("here", path, start=start), 4.0)
        heard = np.flatnonzero(np.abs(sound[:, 0]) > 0.1) / rate
        assert heard[0] == pytest.approx(max(0.0, 1.5 - start), abs=0.08)
        assert heard[-1] == pytest.approx(3.5 - start, abs=0.15)
        (frame,) = read_frames(Source("here", path, start=start), [start])
        assert np.asarray(frame).mean() == pytest.approx(50 * start, abs=6)
    ends = 3.5 if suffix == ".mp4" else 4.0  # Matroska knows the length of the whole alone
    assert track_length(Source("here", path)) == pytest.approx(ends, abs=0.15)


def test_a_gap_in_the_sound_is_silence(tmp_path):
    with av.open(str(tmp_path / "b.mkv"), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.height, stream.width, stream.pix_fmt = 32, 32, "yuv420p"
        track = container.add_stream("pcm_s16le", rate=RATE)
        track.layout = "mono"
        one = av.VideoFrame.from_ndarray(grey(9))
        one.pts, one.time_base = 0, Fraction(1, 25)
        container.mux(stream.encode(one))
        container.mux(stream.encode())
        for begin in (0, 2):
            part = av.AudioFrame.from_ndarray(
                (tone(1.0) * 32000).astype(np.int16)[None], format="s16", layout="mono"
            )
            part.sample_rate, part.pts, part.time_base = RATE, begin * RATE, Fraction(1, RATE)
            container.mux(track.encode(part))
        container.mux(track.encode())
    sound, _ = read_track(Source("here", tmp_path / "b.mkv"), 4.0)
    loud = [np.abs(second).max() > 0.1 for second in np.split(sound[: 3 * RATE, 0], 3)]
    assert loud == [True, False, True]


@pytest.mark.parametrize("seconds", [0.1, 1.0, 3.0])
def test_silence_becomes_zeros(seconds, tmp_path):
    import soundfile

    soundfile.write(tmp_path / "a.wav", np.zeros(round(seconds * RATE)), RATE)
    reader = decoder("sound", Preparation())
    source = Source("here", tmp_path / "a.wav")
    assert (reader.decode(source, reader.modality("s", [reader.look(source)])) == 0).all()
    assert (read_sound(source, RATE, 9.0) == 0).all()
