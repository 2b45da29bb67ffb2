"""Tiny real media files, and a manifest of a few samples."""

from __future__ import annotations

import csv
import struct
import wave
import zlib
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pillow_heif
import soundfile
from PIL import Image

SMALL = {"size": 8, "rate": 4000, "mels": 8, "seconds": 0.1}  # a quick preparation


def picture(path: Path, size: tuple[int, int] = (12, 10), colour: Any = (200, 30, 30)) -> Path:
    return save_picture(Image.new("RGB", size, colour), path)


def save_picture(image: Image.Image, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix in (".heic", ".heif"):  # Pillow is to learn of these from the reader alone
        pillow_heif.from_pillow(image).save(path)
    else:
        image.save(path)
    return path


def noise_picture(path: Path, side: int = 64) -> Path:
    """A picture that does not compress, so that half of it can be cut off."""
    pixels = np.random.default_rng(0).integers(0, 256, (side, side, 3)).astype(np.uint8)
    return save_picture(Image.fromarray(pixels), path)


def huge_png(path: Path, side: int = 20_000) -> Path:
    """The head of a PNG of side x side pixels: what a decompression bomb looks like."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)

    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + body)
    return path


def sound(path: Path, seconds: float = 0.1, rate: int = 4000, **how: Any) -> Path:
    """A tone of 440 Hz; `channels` and `subtype` as soundfile has them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(round(seconds * rate)) / rate)
    many = np.repeat(tone[:, None], how.pop("channels", 1), axis=1)
    soundfile.write(path, many, rate, **how)
    return path


def sound_in_matroska(path: Path, samples: np.ndarray, rate: int, layout: str = "stereo") -> Path:
    """A track (samples, channels) as it is, uncompressed."""
    with av.open(str(path), "w") as container:
        track = container.add_stream("pcm_f32le", rate=rate, layout=layout)
        packed = np.ascontiguousarray(samples, np.float32).reshape(1, -1)
        part = av.AudioFrame.from_ndarray(packed, format="flt", layout=layout)
        part.sample_rate, part.pts, part.time_base = rate, 0, Fraction(1, rate)
        container.mux(track.encode(part))
        container.mux(track.encode())
    return path


def hours_of_silence(path: Path, hours: float = 3.0) -> Path:
    """A WAV file that says it lasts hours; most of it is a hole in the file."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.setnframes(int(hours * 3600 * 8000))
        file._ensure_header_written(0)  # type: ignore[attr-defined]
    with path.open("r+b") as raw:
        raw.truncate(44 + int(hours * 3600 * 8000) * 2)
        raw.seek(4)
        raw.write(struct.pack("<I", 36 + int(hours * 3600 * 8000) * 2))
        raw.seek(40)
        raw.write(struct.pack("<I", int(hours * 3600 * 8000) * 2))
    return path


CODECS = {
    ".mp4": "mpeg4",
    ".avi": "mpeg4",
    ".mkv": "mpeg1video",
    ".flv": "flv",
    ".webm": "libvpx",
    ".mpg": "mpeg1video",
}


def video(
    path: Path,
    frames: int = 6,
    fps: int = 2,
    tone: float = 0.0,
    *,
    step: int = 40,
    silence: float = 0.0,
    late: int = 0,
) -> Path:
    """Frames whose grey rises by `step` a frame, from 0, and a sound track.

    The track has `silence` and then a `tone`, both in seconds. The first time stamp is `late`, in
    seconds, where the container does not choose it itself.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(CODECS[path.suffix], rate=fps)
        stream.width, stream.height, stream.pix_fmt = 32, 32, "yuv420p"
        codec = "mp2" if path.suffix == ".mpg" else "mp3"
        track = container.add_stream(codec, rate=16000) if tone else None
        for i in range(frames):
            grey = np.full((32, 32, 3), min(255, step * i), np.uint8)
            picture_ = av.VideoFrame.from_ndarray(grey)
            picture_.pts, picture_.time_base = late * fps + i, Fraction(1, fps)
            container.mux(stream.encode(picture_))
        container.mux(stream.encode())
        if track is not None:
            wave_ = 0.5 * np.sin(2 * np.pi * 440 * np.arange(round(tone * 16000)) / 16000)
            wave_ = np.concatenate([np.zeros(round(silence * 16000)), wave_])
            samples = wave_.astype(np.float32)[None]
            frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout="mono")
            frame.sample_rate = 16000
            frame.pts, frame.time_base = late * 16000, Fraction(1, 16000)
            resampler = av.AudioResampler(track.format, track.layout, 16000)
            for part in (*resampler.resample(frame), None):
                container.mux(track.encode(part))
    return path


def write_manifest(path: Path, lines: list[dict[str, str]]) -> Path:
    header = list(dict.fromkeys(name for line in lines for name in line))
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, header, restval="")
        table.writeheader()
        table.writerows(lines)
    return path


def good_lines(folder: Path, n: int = 12) -> list[dict[str, str]]:
    """Lines of two classes in three splits, with a picture, a sound and a text each."""
    lines = []
    for i in range(n):
        picture(folder / f"{i}.png", colour=(20 * i, 100, 50))
        sound(folder / f"{i}.wav")
        lines.append(
            {
                "id": f"s{i}",
                "label": "owl" if i % 2 else "tit",
                "split": ("train", "train", "train", "train", "val", "test")[i // 2],
                "image": f"{i}.png",
                "sound": f"{i}.wav",
                "song": "hoo hoo" if i % 2 else "tsee tsee tsee",
            }
        )
    return lines
