"""Pictures of other programs and telephones: read where they are shades, refused where they are not."""

import contextlib

import numpy as np
import pytest
from PIL import Image

import mla_core as mla
from mla_core.data.decoding import Preparation, decoder
from mla_core.data.samples.source import Source
from tests.core.media_files import noise_picture, picture


def look(path):
    return decoder("image", Preparation(size=16)).look(Source("here", path))


@pytest.mark.parametrize("suffix", ["webp", "tif", "avif", "heic"])
@pytest.mark.parametrize("share", [0.2, 0.6, 0.9, 0.99])
def test_a_picture_without_its_end_is_told_at_a_look(suffix, share, tmp_path):
    path = noise_picture(tmp_path / f"a.{suffix}")
    assert look(path).size == (64, 64)
    raw = path.read_bytes()
    path.write_bytes(raw[: round(share * len(raw))])
    with pytest.raises(mla.DataError, match=r"cut off|no picture that can be read"):
        look(path)


@pytest.mark.parametrize("compression", [None, "tiff_lzw", "tiff_deflate", "jpeg"])
def test_a_tiff_is_read_however_it_is_packed(compression, tmp_path):
    Image.new("RGB", (20, 20), (200, 30, 60)).save(tmp_path / "a.tif", compression=compression)
    reader, source = decoder("image", Preparation(size=16)), Source("here", tmp_path / "a.tif")
    x = reader.decode(source, reader.modality("x", [reader.look(source)]))
    assert np.abs(x.astype(int) - np.array([200, 30, 60])[:, None, None]).max() <= 4


@pytest.mark.parametrize("kind", ["float32", "int32"])
def test_a_tiff_of_measured_numbers_is_no_picture(kind, tmp_path):
    Image.fromarray(np.full((20, 20), 7, kind)).save(tmp_path / "a.tif")
    with pytest.raises(mla.DataError, match=r"32 bits.*not of shades: save it with 8 or 16 bits"):
        look(tmp_path / "a.tif")


def test_an_avif_that_calls_itself_a_picture_is_read(tmp_path):
    path = picture(tmp_path / "a.avif", (20, 20), (200, 30, 60))
    path.write_bytes(path.read_bytes().replace(b"ftypavif", b"ftypmif1", 1))
    assert look(path).size == (20, 20)


@pytest.mark.filterwarnings("ignore")  # Pillow's, about tags
@pytest.mark.parametrize("suffix", ["tif", "avif", "heic"])
def test_a_damaged_picture_is_a_fault_or_a_picture(suffix, tmp_path):
    raw = noise_picture(tmp_path / f"a.{suffix}").read_bytes()
    reader = decoder("image", Preparation(size=16))
    chance = np.random.default_rng(0)
    for _ in range(300):
        damaged = bytearray(raw)
        for at in chance.integers(0, min(len(raw), 400), 2):
            damaged[at] = chance.integers(0, 256)
        source = Source("here", bytes(damaged))
        with contextlib.suppress(mla.DataError):
            x = reader.decode(source, reader.modality("x", [reader.look(source)]))
            assert x.shape == (3, 16, 16)
