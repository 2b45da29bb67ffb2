"""Videos: a few frames at a steady pace, cropped to squares; and a video's sound track."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mla_core.data.decoding import image
from mla_core.data.decoding.base import Decoder, Looked
from mla_core.data.decoding.optional import need
from mla_core.data.decoding.whole import check_whole
from mla_core.data.samples import Modality, Source, is_hidden
from mla_core.errors import DataError

SUFFIXES = (".mp4", ".flv", ".avi", ".webm", ".mkv", ".mov", ".m4v", ".mpg")
LEAD = 0.5  # seconds before a piece from where its sound is decoded: AAC and MP3 build on what was
# Streams without a container: how long they last is guessed from a rate.
RAW = frozenset({"aac", "mp3"})
GAP = 0.1  # seconds that a track's time stamps may lag behind, as they are often rounded


class VideoDecoder(Decoder):
    """(frames, 3, size, size) uint8: frames at `fps` from the start, the last one repeated.

    Of a folder of frames, as many as are wanted, evenly spaced.
    """

    kind = "video"
    dtype = np.uint8
    version = 3  # 2: time counts from what is shown first; 3: frames are turned upright
    uses = ("frames", "fps", "size")

    def look(self, source: Source) -> Looked:
        """Open it, and see that there is a picture and that it is all there."""
        if frames := frame_files(source):
            with image.open_image(Source(source.where, frames[0])) as first:
                return Looked(tuple(map(float, first.size)))
        check_whole(source)
        with _open(source, "video") as (container, stream):
            if stream.width * stream.height > image.PIXELS:
                raise DataError(image.TOO_MANY)
            return Looked((_duration(container),))

    def modality(self, name: str, looked: Sequence[Looked]) -> Modality:
        """Return the stack of squares."""
        chosen = self.preparation
        shape = (chosen.frames, 3, chosen.size, chosen.size)
        return Modality(name, self.kind, shape, note=f"{chosen.frames} frames of each video")

    def decode(self, source: Source, modality: Modality) -> NDArray[Any]:
        """Read the frames."""
        count, size = modality.shape[0], modality.shape[-1]
        if files := frame_files(source):
            chosen = np.linspace(0, len(files) - 1, count).round().astype(int)
            sources = [Source(source.where, files[i], box=source.box) for i in chosen]
            return np.stack([_square(one, size) for one in sources])
        times = [source.start + i / self.preparation.fps for i in range(count)]
        if source.stop is not None:
            times = [min(time, source.stop) for time in times]
        frames = read_frames(source, times)
        return np.stack([image.to_square(frame, size, source.box) for frame in frames])


def frame_files(source: Source) -> list[Path]:
    """Return the frames of a folder in their natural order; nothing of a video file.

    Raises
    ------
    DataError
        When the folder holds no picture.
    """
    content = source.content
    if not isinstance(content, Path) or not content.is_dir():
        return []
    files = [
        path
        for path in content.iterdir()
        if path.suffix.lower() in image.SUFFIXES and not is_hidden(path)
    ]
    if not files:
        msg = "is a folder without frames (.jpg, .png): fill it, or leave the cell empty"
        raise DataError(msg)
    return sorted(files, key=lambda path: (_numbers(path.name), path.name))


def read_frames(source: Source, times: Sequence[float]) -> list[Image.Image]:
    """Return the picture that is shown at each time (in seconds, ascending), at the end the last.

    It is turned and mirrored as players show it. Time counts from what is shown first, whatever its time stamp.

    Raises
    ------
    DataError
        When the video holds no frame.
    """
    found: list[Image.Image] = []
    shown: Any = None
    with _open(source, "video") as (container, stream):
        for time, frame in _from(source.start, container, stream):
            while len(found) < len(times) and time > times[len(found)] + 1e-6:
                found.append(_upright(shown or frame))
            if len(found) == len(times):
                break
            shown = frame
        if shown is None and not found:
            msg = "holds no frames: record it anew, or leave the cell empty"
            raise DataError(msg)
        rest = len(times) - len(found)
        return found + ([_upright(shown)] * rest if rest else [])


def read_track(source: Source, stop: float) -> tuple[NDArray[np.float32], int]:
    """Return the sound track (samples, channels) of a video up to `stop` seconds, and its rate.

    It begins at the source's `start`, as `read_frames` counts time: where the track begins later,
    or has a gap, there is silence.
    """
    pieces, filled = list[NDArray[np.float32]](), 0
    with _open(source, "audio") as (container, stream):
        rate = int(stream.rate)
        resampler = need("av", "videos").AudioResampler("fltp", stream.layout.name, rate)
        nothing = np.zeros((stream.layout.nb_channels, 0), np.float32)
        for time, frame in _from(max(0.0, source.start - LEAD), container, stream):
            if time >= stop:
                break
            parts = [part.to_ndarray() for part in resampler.resample(frame)]
            sound = np.concatenate([nothing, *parts], axis=1)
            late = round((time - source.start) * rate) - filled
            if filled == 0 and late < 0:  # it begins before the piece does
                sound = sound[:, -late:]
            elif late > (GAP * rate if filled else 0):
                pieces.append(np.zeros((len(sound), late), np.float32))
                filled += late
            pieces.append(sound)
            filled += sound.shape[1]
    sound = np.concatenate([nothing, *pieces], axis=1)
    return sound[:, : round((stop - source.start) * rate)].T, rate


def track_length(source: Source) -> float:
    """Return after how many seconds the sound track of a video ends."""
    with _open(source, "audio") as (container, stream):
        if container.format.name in RAW:
            parts = (packet.duration or 0 for packet in container.demux(stream))
            return float(sum(parts) * stream.time_base)
        if stream.duration:
            begin = float((stream.start_time or 0) * stream.time_base) - _begin(container)
            return max(0.0, begin) + float(stream.duration * stream.time_base)
        return _duration(container)


def _from(start: float, container: Any, stream: Any) -> Iterator[tuple[float, Any]]:
    """Yield the frames of a stream and their times, from one at or before `start` on.

    Where files have no index, a seek can lead behind the place: then one aims before it.
    """
    begin = _begin(container)
    frames = container.decode(stream)
    if start > 0:
        for earlier in (0, 1, 5, 25, start + begin):
            container.seek(int(max(0, begin + start - earlier) * 1e6))
            frames = container.decode(stream)
            first = next(frames, None)
            if first is not None and (first.time or 0.0) - begin <= start + 1e-6:
                break
        frames = itertools.chain([] if first is None else [first], frames)
    return ((0.0 if frame.time is None else frame.time - begin, frame) for frame in frames)


def _begin(container: Any) -> float:
    """Return the time stamp in seconds of what is shown or heard first: not all begin at 0.

    What lies before 0 is an encoder's lead, which players leave out.
    """
    return max(0.0, float(container.start_time or 0) / 1e6)


def _duration(container: Any) -> float:
    seconds = float(container.duration or 0) / 1e6
    # Matroska's counts from the time stamp 0.
    return seconds - _begin(container) if "matroska" in container.format.name else seconds


@contextmanager
def _open(source: Source, kind: str) -> Iterator[tuple[Any, Any]]:
    """Open a container and the first of its streams of a kind, video or audio."""
    called, part = {"video": ("video", "picture"), "audio": ("sound", "sound")}[kind]
    av = need("av", f"{called}s")
    try:
        with av.open(source.stream()) as container:
            streams = getattr(container.streams, kind)
            if not streams:
                msg = f"holds no {part}: record it anew, or leave the cell empty"
                raise DataError(msg)
            yield container, streams[0]
    except (av.FFmpegError, OSError) as error:
        msg = f"is no {called} that can be read (MP4, M4A, FLV, AVI, WebM): {error}"
        raise DataError(msg) from error


# How a display matrix (a, b, c, d: x to ax + cy, y to bx + dy) turns or mirrors a picture.
_TURNS = {
    (-1, 0, 0, 1): Image.Transpose.FLIP_LEFT_RIGHT,
    (1, 0, 0, -1): Image.Transpose.FLIP_TOP_BOTTOM,
    (-1, 0, 0, -1): Image.Transpose.ROTATE_180,
    (0, 1, -1, 0): Image.Transpose.ROTATE_270,  # Pillow counts against the clock
    (0, -1, 1, 0): Image.Transpose.ROTATE_90,
    (0, 1, 1, 0): Image.Transpose.TRANSPOSE,
    (0, -1, -1, 0): Image.Transpose.TRANSVERSE,
}


def _upright(frame: Any) -> Image.Image:
    """Return a frame as players show it, such as that of a telephone that was held upright."""
    picture: Image.Image = frame.to_image()
    matrix = frame.side_data.get("DISPLAYMATRIX")
    if matrix is None:
        return picture
    a, b, _, c, d = np.sign(np.frombuffer(bytes(matrix), np.int32)[:5]).tolist()
    turn = _TURNS.get((a, b, c, d))
    return picture if turn is None else picture.transpose(turn)


def _square(source: Source, size: int) -> NDArray[np.uint8]:
    with image.open_image(source) as opened:
        return image.to_square(opened, size, source.box)


def _numbers(name: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", name)]
