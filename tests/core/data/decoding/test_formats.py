"""Every kind of file becomes the numbers that it should, whatever its format."""

import importlib.util
import itertools
import sys

import av
import numpy as np
import pytest
import soundfile
from PIL import Image, features
from tokenizers import Tokenizer as Words
from tokenizers import models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from mla_core.data import load_dataset
from mla_core.data.decoding import Preparation, decoder
from mla_core.data.decoding.sound import read_sound
from mla_core.data.decoding.video import read_frames, read_track, track_length
from mla_core.data.files.cache import prepare_column
from mla_core.data.samples.source import Enclosure, Source, file_source
from mla_core.errors import ConfigError, DataError, MissingPackageError
from tests.core.media_files import (
    good_lines,
    picture,
    sound,
    sound_in_matroska,
    video,
    write_manifest,
)

SIZE = Preparation(size=16, frames=3, rate=8000)


def decode(kind, path, preparation=SIZE, **piece):
    source = path if isinstance(path, Source) else Source("here", path, **piece)
    reader = decoder(kind, preparation)
    modality = reader.modality("x", [reader.look(source)])
    x = reader.decode(source, modality)
    assert x.shape == modality.shape
    assert x.dtype == reader.dtype
    return x


def frequency(samples, rate):
    """The strongest frequency, by the Fourier transform."""
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return np.fft.rfftfreq(len(samples), 1 / rate)[spectrum.argmax()]


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "gif", "bmp"])
def test_pictures_become_squares_in_rgb(suffix, tmp_path):
    x = decode("image", picture(tmp_path / f"a.{suffix}", (40, 30), (200, 30, 60)))
    assert np.abs(x.astype(int) - np.array([200, 30, 60])[:, None, None]).max() <= 4


@pytest.mark.parametrize(
    ("peaks", "dark"), [((4095, 900), True), ((4095, 40000), False), ((8192, 5), False)]
)
def test_pictures_of_twelve_bits_in_sixteen_are_told(peaks, dark, tmp_path):
    sources = []
    for i, peak in enumerate(peaks):
        shades = np.linspace(0, peak, 400).astype(np.uint16).reshape(20, 20)
        Image.fromarray(shades).save(tmp_path / f"{i}.png")
        sources.append(Source("here", tmp_path / f"{i}.png"))
    column = prepare_column("scan", sources, decoder("image", SIZE), tmp_path / "cache")
    told = [
        "scan: not one picture has a shade above 6.2% of what 16 bits hold" in n
        for n in column.notes
    ]
    assert told == ([True] if dark else [])


def test_the_middle_of_a_wide_picture_is_taken(tmp_path):
    wide = np.zeros((20, 60, 3), np.uint8)
    wide[:, 20:40] = 255
    Image.fromarray(wide).save(tmp_path / "a.png")
    x = decode("image", tmp_path / "a.png")
    assert x[:, :, 2:-2].min() > 250


# mode, what is put in, what grey comes out
MODES = [
    ("L", 100, 100),
    ("1", 1, 255),
    ("RGBA", (100, 100, 100, 0), 255),  # transparent: the white behind it
    ("LA", (100, 255), 100),
    ("CMYK", (0, 0, 0, 0), 255),
    ("I;16", 25700, 100),
    ("P", 0, 0),
]


@pytest.mark.parametrize(("mode", "value", "grey"), MODES)
def test_any_mode_becomes_rgb(mode, value, grey, tmp_path):
    path = tmp_path / ("a.jpg" if mode == "CMYK" else "a.png")
    Image.new(mode, (20, 20), value).save(path)
    assert np.abs(decode("image", path).astype(int) - grey).max() <= 3


def test_a_photograph_is_turned_upright(tmp_path):
    pixels = np.zeros((20, 20, 3), np.uint8)
    pixels[:10] = 255  # bright above
    exif = Image.Exif()
    exif[0x0112] = 3  # turned by half
    Image.fromarray(pixels).save(tmp_path / "a.jpg", exif=exif)
    x = decode("image", tmp_path / "a.jpg")
    assert x[:, :6].max() < 40
    assert x[:, -6:].min() > 200


SOUNDS = [
    ("a.wav", {"subtype": "PCM_16"}),
    ("a.wav", {"subtype": "PCM_24"}),
    ("a.wav", {"subtype": "FLOAT"}),
    ("a.wav", {"subtype": "PCM_U8"}),
    ("a.wav", {"channels": 2}),
    ("a.wav", {"channels": 6}),
    ("a.wav", {"rate": 96000}),
    ("a.wav", {"rate": 44100}),
    ("a.wav", {"rate": 11025}),
    ("a.flac", {"rate": 16000}),
    ("a.ogg", {"rate": 16000}),
    ("a.mp3", {"rate": 16000}),
]


@pytest.mark.parametrize(("name", "how"), SOUNDS)
def test_any_sound_becomes_the_same_tone(name, how, tmp_path):
    path = sound(tmp_path / name, seconds=0.5, **({"rate": 8000} | how))
    found = read_sound(Source("here", path), 8000, 10.0)
    assert abs(len(found) - 4000) <= (4000 * 0.3 if name.endswith("mp3") else 2)
    assert frequency(found[:4000], 8000) == pytest.approx(440, abs=4)
    assert np.abs(found[1000:3000]).max() == pytest.approx(0.5, abs=0.06)
    assert decode("sound", path).shape[:2] == (1, 128)


def test_channels_are_averaged(tmp_path):
    both = np.stack([np.full(800, 0.5), np.full(800, -0.1)], axis=1)
    soundfile.write(tmp_path / "a.wav", both, 8000, subtype="FLOAT")
    assert np.allclose(read_sound(Source("here", tmp_path / "a.wav"), 8000, 1.0), 0.2)


@pytest.mark.parametrize("name", ["a.wav", "a.mkv"])
def test_channels_that_cancel_each_other_are_no_silence(name, tmp_path):
    wave = 0.5 * np.sin(2 * np.pi * 440 * np.arange(8000) / 8000).astype(np.float32)
    turned = np.stack([wave, -0.999 * wave], axis=1)
    soundfile.write(tmp_path / "a.wav", turned, 8000, subtype="FLOAT")
    if name == "a.mkv":
        sound_in_matroska(tmp_path / name, turned, 8000)
    found = read_sound(Source("here", tmp_path / name), 8000, 1.0)
    assert np.allclose(found[1000:7000], wave[1000:7000], atol=1e-3)


def test_the_channels_of_a_track_are_averaged_as_those_of_a_file_are(tmp_path):
    chance = np.random.default_rng(0).uniform(-0.5, 0.5, (4000, 6)).astype(np.float32)
    sound_in_matroska(tmp_path / "a.mkv", chance, 8000, "5.1")
    found = read_sound(Source("here", tmp_path / "a.mkv"), 8000, 1.0)
    assert np.allclose(found[:4000], chance.mean(1), atol=1e-5)


def test_a_piece_of_a_sound(tmp_path):
    ramp = np.linspace(0, 0.9, 8000)
    soundfile.write(tmp_path / "a.wav", ramp, 8000, subtype="FLOAT")
    found = read_sound(file_source(Enclosure(tmp_path), "a.wav#t=0.25,0.5", "here"), 8000, 10.0)
    assert np.allclose(found[:2000], ramp[2000:4000], atol=1e-6)


def test_long_sounds_are_cut_and_short_ones_filled_up(tmp_path):
    reader = decoder("sound", Preparation(rate=8000, mels=16))
    long, short = (Source("", sound(tmp_path / f"{s}.wav", s, 8000)) for s in (12.0, 0.5))
    looked = [reader.look(long), reader.look(short)]
    modality = reader.modality("x", looked)
    assert modality.shape == (1, 16, (81920 - 200) // 80 + 1)  # 10.24 s, 25 ms every 10 ms
    assert reader.cut(modality, looked[0]) == "longer than 10.24 s"
    assert reader.cut(modality, looked[1]) == ""
    x = reader.decode(short, modality)
    assert len(np.unique(x[..., 60:])) == 1, "silence at the floor"


@pytest.mark.parametrize("suffix", ["mp4", "avi", "flv", "webm"])
def test_frames_are_taken_at_one_a_second(suffix, tmp_path):
    x = decode("video", video(tmp_path / f"a.{suffix}", frames=6, fps=2))
    greys = x.mean((1, 2, 3))
    assert greys == pytest.approx([0, 80, 160], abs=12)


def test_the_last_frame_of_a_short_video_is_repeated(tmp_path):
    x = decode("video", video(tmp_path / "a.mp4", frames=3, fps=2))
    assert x.mean((1, 2, 3)) == pytest.approx([0, 80, 80], abs=12)


def test_a_piece_of_a_video(tmp_path):
    video(tmp_path / "a.mp4", frames=6, fps=2)
    x = decode("video", file_source(Enclosure(tmp_path), "a.mp4#t=1,2", "here"))
    assert x.mean((1, 2, 3)) == pytest.approx([80, 160, 160], abs=12)


# The first time stamp is 0.54 s in the first file, 5 s in the second.
LATE = {"mpg": {}, "mkv": {"late": 5}}


@pytest.mark.parametrize("suffix", LATE)
def test_time_counts_from_what_is_shown_first(suffix, tmp_path):
    path = video(tmp_path / f"a.{suffix}", frames=75, fps=25, step=3, **LATE[suffix])
    assert decode("video", path).mean((1, 2, 3)) == pytest.approx([0, 75, 150], abs=4)


@pytest.mark.parametrize("suffix", LATE)
def test_a_piece_begins_where_it_is_said_to_wherever_a_seek_leads(suffix, tmp_path):
    path = video(tmp_path / f"a.{suffix}", frames=75, fps=25, step=3, **LATE[suffix])
    for first in range(1, 75):
        time = (first + 0.5) / 25
        (found,) = read_frames(Source("here", path, start=time, stop=3.0), [time])
        assert np.asarray(found).mean() == pytest.approx(3 * first, abs=4)


@pytest.mark.parametrize("suffix", LATE)
@pytest.mark.parametrize("start", [0.0, 1.0])
def test_a_sound_track_counts_time_as_the_pictures_do(start, suffix, tmp_path):
    path = video(tmp_path / f"a.{suffix}", frames=75, fps=25, tone=1.5, silence=1.5, **LATE[suffix])
    source = Source("here", path, start=start, stop=2.5)
    sound, rate = read_track(source, 2.5)
    assert len(sound) / rate == pytest.approx(2.5 - start, abs=0.05)
    begins = np.flatnonzero(np.abs(sound[:, 0]) > 0.1)[0] / rate
    assert begins == pytest.approx(1.5 - start, abs=0.1)
    assert track_length(source) == pytest.approx(3.0, abs=0.1)


def test_a_region_of_a_picture(tmp_path):
    pixels = np.zeros((20, 40, 3), np.uint8)
    pixels[:, 20:] = 255
    Image.fromarray(pixels).save(tmp_path / "a.png")
    right = file_source(Enclosure(tmp_path), "a.png#xywh=percent:50,0,50,100", "here")
    assert decode("image", right).min() == 255


def test_the_frames_of_a_folder_in_their_natural_order(tmp_path):
    for i in (1, 2, 3, 10, 11):
        picture(tmp_path / "clip" / f"frame{i}.png", colour=(20 * i,) * 3)
    x = decode("video", tmp_path / "clip")
    assert x.mean((1, 2, 3)).tolist() == [20, 60, 220]


def test_the_sound_track_of_a_video(tmp_path):
    path = video(tmp_path / "a.avi", frames=4, tone=1.0)
    found = read_sound(Source("here", path), 8000, 5.0)
    assert frequency(found[:8000], 8000) == pytest.approx(440, abs=5)


def test_a_text_in_any_script(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"\xef\xbb\xbf" + "Ünï  сode\n字".encode())
    reader = decoder("text", SIZE)
    source = Source("here", tmp_path / "a.txt")
    looked = reader.look(source)
    modality = reader.modality("x", [looked])
    codes = reader.decode(source, modality)
    assert "".join(modality.vocabulary[code - 1] for code in codes) == "Ünï сode 字"


def test_a_text_as_tokens(tmp_path):
    words = Words(models.WordLevel({"?": 0, "a": 1, "cat": 2}, unk_token="?"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    PreTrainedTokenizerFast(tokenizer_object=words).save_pretrained(tmp_path)
    reader = decoder("text", Preparation(tokenizer=str(tmp_path), characters=4))
    texts = [Source("", "a cat"), Source("", "cat cat cat cat dog")]
    looked = [reader.look(text) for text in texts]
    modality = reader.modality("x", looked)
    assert (modality.kind, modality.shape, modality.vocabulary_size) == ("tokens", (4,), 3)
    assert [reader.decode(text, modality).tolist() for text in texts] == [[2, 3, 0, 0], [3] * 4]
    assert [reader.cut(modality, one) for one in looked] == ["", "longer than 4 tokens"]


def test_a_tokenizer_that_is_not_there_is_no_fault_of_the_texts(tmp_path):
    lines = good_lines(tmp_path)
    for line in lines:
        del line["image"], line["sound"]
    path = write_manifest(tmp_path / "birds.csv", lines)
    gone = {"tokenizer": str(tmp_path / "gone")}
    with pytest.raises(ConfigError, match="gone"):
        load_dataset("manifest", path=str(path), prepare=gone, cache=str(tmp_path))


def test_vectors_and_series(tmp_path):
    np.save(tmp_path / "v.npy", np.arange(5))
    assert decode("vector", tmp_path / "v.npy").tolist() == [0, 1, 2, 3, 4]
    for end, head in itertools.product(("\n", "\r\n", "\r"), ("x,y", "")):
        lines = [*filter(None, [head]), "1,2", "3,4", "5,6", ""]
        (tmp_path / "s.csv").write_bytes(end.join(lines).encode())
        assert decode("series", tmp_path / "s.csv").tolist() == [[1, 3, 5], [2, 4, 6]]


def test_nothing_hidden_in_an_array_file_is_run(tmp_path):
    np.save(tmp_path / "v.npy", np.array([{"a": 1}]), allow_pickle=True)
    with pytest.raises(ValueError, match="no array of plain numbers"):
        decode("vector", tmp_path / "v.npy")


@pytest.mark.parametrize("bad", [{"size": 2}, {"size": 64.5}, {"fps": 0}, {"rate": True}, {"x": 1}])
def test_a_preparation_out_of_range_is_refused(bad):
    with pytest.raises(ConfigError, match=next(iter(bad))):
        Preparation.of(bad)


def needs(suffix):
    return pytest.mark.skipif(
        (suffix == "avif" and not features.check("avif"))
        or (suffix == "heic" and importlib.util.find_spec("pillow_heif") is None),
        reason="no library reads it here",
    )


@pytest.mark.parametrize(
    "suffix", ["tif", "tiff", *(pytest.param(s, marks=needs(s)) for s in ("avif", "heic"))]
)
def test_pictures_of_telephones_and_scanners(suffix, tmp_path):
    path = picture(tmp_path / f"a.{suffix}", (64, 48), (200, 30, 60))
    x = decode("image", path).astype(int)
    assert np.abs(x - np.array([200, 30, 60])[:, None, None]).max() <= 8
    assert (decode("image", Source("here", path.read_bytes())) == x).all()


@pytest.mark.parametrize(
    ("head", "package"), [(b"heic", "pillow_heif"), (b"avif", "Pillow 11.3 or newer")]
)
def test_a_format_without_its_library_says_what_to_install(head, package, tmp_path, monkeypatch):
    path = tmp_path / "a.heic"
    path.write_bytes(b"\0\0\0\x18ftyp" + head + bytes(20))
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    monkeypatch.setattr(features, "check", lambda name: False)
    with pytest.raises(MissingPackageError, match=f"{package}.*pip install"):
        decode("image", path)


@pytest.mark.parametrize("head", [b"heic", b"avif", b"isom"])
def test_a_damaged_picture_of_a_telephone_is_no_picture(head, tmp_path):
    path = tmp_path / "a.heic"
    path.write_bytes(b"\0\0\0\x18ftyp" + head + bytes(20))
    with pytest.raises(DataError, match="no picture that can be read"):
        decode("image", path)


@pytest.mark.parametrize("suffix", ["m4a", "aac"])
def test_sounds_of_telephones(suffix, tmp_path):
    path = tmp_path / f"a.{suffix}"
    with av.open(str(path), "w", format="mp4" if suffix == "m4a" else "adts") as container:
        track = container.add_stream("aac", rate=16000)
        tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(32000) / 16000)
        frame = av.AudioFrame.from_ndarray(
            tone.astype(np.float32)[None], format="fltp", layout="mono"
        )
        frame.sample_rate, frame.pts = 16000, 0
        resampler = av.AudioResampler(track.format, track.layout, 16000, 1024)
        for part in (*resampler.resample(frame), *resampler.resample(None), None):
            container.mux(track.encode(part))
    wrongly_named = path.rename(tmp_path / "a.wav")
    for content in (wrongly_named, wrongly_named.read_bytes()):
        source = Source("here", content)
        found = read_sound(source, 16000, 1.0)
        assert frequency(found, 16000) == pytest.approx(440, abs=2)
        assert decoder("sound", SIZE).look(source).size[0] == pytest.approx(2.0, abs=0.2)


@pytest.mark.parametrize("suffix", ["mp4", "avi", "mkv", "mpg"])
def test_the_sound_track_of_a_video_in_a_table(suffix, tmp_path):
    path = video(tmp_path / f"a.{suffix}", frames=25, fps=25, tone=1.0)
    source = Source("here", path.read_bytes())
    assert frequency(read_sound(source, 8000, 5.0)[:8000], 8000) == pytest.approx(440, abs=5)


@pytest.mark.parametrize("kind", ["sound", "video"])
def test_what_is_damaged_is_called_what_it_should_be(kind, tmp_path):
    (tmp_path / "a.mp4").write_bytes(b"\0\0\0\x18ftypisom" + bytes(200))
    with pytest.raises(DataError, match=f"is no {kind} that can be read"):
        decoder(kind, SIZE).look(Source("here", tmp_path / "a.mp4"))
