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
from mla_core.data.samples import Modality, Source, is_hidden
from mla_core.errors import DataError

SUFFIXES = (".mp4", ".flv", ".avi", ".webm", ".mkv", ".mov", ".m4v", ".mpg")


class VideoDecoder(Decoder):
    """(frames, 3, size, size) uint8: frames at `fps` from the start, the last one repeated.

    Of a folder of frames, as many as are wanted, evenly spaced.
    """

    kind = "video"
    dtype = np.uint8
    version = 2  # 2: time counts from what is shown first
    uses = ("frames", "fps", "size")

    def look(self, source: Source) -> Looked:
        """Open it, and see that there is a picture."""
        if frames := frame_files(source):
            with image.open_image(Source(source.where, frames[0])) as first:
                return Looked(tuple(map(float, first.size)))
        with _open(source) as container:
            _stream(container, "video")
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

    Time counts from what is shown first, whatever its time stamp.

    Raises
    ------
    DataError
        When the video holds no frame.
    """
    found: list[Image.Image] = []
    shown: Any = None
    with _open(source) as container:
        for time, frame in _from(source.start, container, _stream(container, "video")):
            while len(found) < len(times) and time > times[len(found)] + 1e-6:
                found.append((shown or frame).to_image())
            if len(found) == len(times):
                break
            shown = frame
        if shown is None and not found:
            msg = "holds no frames: record it anew, or leave the cell empty"
            raise DataError(msg)
        rest = len(times) - len(found)
        return found + ([shown.to_image()] * rest if rest else [])


def read_track(source: Source, stop: float) -> tuple[NDArray[np.float32], int]:
    """Return the sound track (samples, 1) of a video up to `stop` seconds, and its rate."""
    pieces = []
    with _open(source) as container:
        stream = _stream(container, "audio")
        rate = int(stream.rate)
        resampler = need("av", "videos").AudioResampler("flt", "mono", rate)
        first: float | None = None
        for time, frame in _from(source.start, container, stream):
            if time >= stop:
                break
            first = time if first is None else first
            pieces += [part.to_ndarray()[0] for part in resampler.resample(frame)]
    sound = np.concatenate(pieces) if pieces else np.zeros(0, np.float32)
    before = round((source.start - (first or 0.0)) * rate) if source.start > 0 else 0
    return sound[max(0, before) : round((stop - (first or 0.0)) * rate), None], rate


def track_length(source: Source) -> float:
    """Return how many seconds the sound track of a video lasts."""
    with _open(source) as container:
        stream = _stream(container, "audio")
        if stream.duration:
            return float(stream.duration * stream.time_base)
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
def _open(source: Source) -> Iterator[Any]:
    av = need("av", "videos")
    try:
        with av.open(source.stream()) as container:
            yield container
    except (av.FFmpegError, OSError) as error:
        msg = f"is no video that can be read (MP4, FLV, AVI, WebM): {error}"
        raise DataError(msg) from error


def _stream(container: Any, kind: str) -> Any:
    found = getattr(container.streams, kind)
    if not found:
        picture = "picture" if kind == "video" else "sound"
        msg = f"holds no {picture}: record it anew, or leave the cell empty"
        raise DataError(msg)
    return found[0]


def _square(source: Source, size: int) -> NDArray[np.uint8]:
    with image.open_image(source) as opened:
        return image.to_square(opened, size, source.box)


def _numbers(name: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", name)]
