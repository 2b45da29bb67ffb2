"""Whether a sound, video or picture is as long as it says: what is cut off would be taken for short.

Only heads are read. The lengths that containers keep of their parts are compared with the file's.
A container that was written as a live stream says nothing about its length, and is believed.
"""

from __future__ import annotations

import math
import os
import struct
from collections.abc import Callable
from typing import BinaryIO

from mla_core.data.samples import Source
from mla_core.errors import DataError

LIVE = 0x7FFF0000  # bytes: from there on, writers mean that they did not know
ATOMS = (
    *(b"ftyp", b"moov", b"mdat", b"moof", b"free", b"skip", b"wide", b"udta", b"mfra", b"sidx"),
    b"meta",  # of pictures
)
SEGMENT, HEADER = b"\x18\x53\x80\x67", b"\x1a\x45\xdf\xa3"  # of Matroska
LAST = 0.25  # seconds that a last picture or sound may be shown
PAGE = 65307  # bytes of the largest page of Ogg


def check_whole(source: Source) -> None:
    """Raise `DataError` when a file is shorter than it says.

    Parameters
    ----------
    source : Source
        WAV, AVI, WebP, MP4, MOV, AVIF, HEIF, Matroska, WebM, FLV, Ogg, or MP3 with a header; others
        say nothing.
    """
    with source.open() as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        head = file.read(12)
        file.seek(0)
        for at, magic, least in _READERS:
            if head.startswith(magic, at):
                if least(file, size) > size:
                    msg = f"is cut off: its {size} bytes end before it does: copy it again"
                    raise DataError(msg)
                return


def _riff(file: BinaryIO, size: int) -> int:
    """WAV, AVI and WebP: chunks of a name, a length and so many bytes; what follows the sound is no sound."""
    file.seek(12)
    end = 12
    while len(head := file.read(8)) == 8:
        length = int.from_bytes(head[4:], "little")
        end += 8 + length
        if length >= LIVE:
            return 0
        if end > size or head[:4] == b"data":
            return end
        end += length % 2
        file.seek(end)
    return 0


def _atoms(file: BinaryIO, size: int) -> int:
    """MP4, MOV, AVIF and HEIF: boxes of a length, which may have 64 bits, a name, and what is in them."""
    end = 0
    while len(head := file.read(8)) == 8 and head[4:] in ATOMS:
        length = int.from_bytes(head[:4], "big")
        if length == 1:
            length = int.from_bytes(file.read(8), "big")
        if length == 0:  # to the end, wherever that is
            return 0
        end += length
        if end > size or length < 8:
            break
        file.seek(end)
    return end


def _matroska(file: BinaryIO, _size: int) -> int:
    """Matroska and WebM: a header, and one segment with all the rest."""
    file.seek(4)
    length = _number(file)
    file.seek(file.tell() + (length or 0))
    if file.read(4) != SEGMENT or (length := _number(file)) is None:
        return 0
    return file.tell() + length


def _number(file: BinaryIO) -> int | None:
    """Return a number of one to eight bytes, whose first says how many; None when it is not known."""
    first = file.read(1)
    if not first or not first[0]:
        return None
    more = 8 - first[0].bit_length()
    bits = 7 * (more + 1)
    value = int.from_bytes(first + file.read(more), "big") & ((1 << bits) - 1)
    return None if value == (1 << bits) - 1 else value


def _flv(file: BinaryIO, size: int) -> int:
    """FLV: tags of a kind, a length, a time, and what is in them; then their length once more.

    Where a tag ends there is nothing to see of a cut: then its header's size counts, if its length
    in seconds says so too, since some programs leave there what was true of another file.
    """
    file.seek(5)
    end = int.from_bytes(file.read(4), "big") + 4
    seconds, about = 0.0, b""
    while end < size:
        file.seek(end)
        head = file.read(11)
        if head[0] & 0x1F not in {8, 9, 18}:  # neither sound, picture nor text
            return 0
        length = int.from_bytes(head[1:4], "big")
        about = about or file.read(length)
        seconds = int.from_bytes(head[7:8] + head[4:7], "big") / 1000
        end += 11 + length + 4
    told = _amf(about, b"filesize")
    return max(end, int(told)) if seconds + LAST < _amf(about, b"duration") else end


def _amf(about: bytes, name: bytes) -> float:
    """Return a number of FLV's first tag by its name; 0 when it is not there."""
    at = about.find(name + b"\0") + len(name) + 1
    if at <= len(name) or len(about) < at + 8:
        return 0.0
    (value,) = struct.unpack_from(">d", about, at)
    return float(value) if math.isfinite(value) else 0.0


def _ogg(file: BinaryIO, size: int) -> int:
    """Ogg: pages, of which the last one says that it is the last."""
    file.seek(max(0, size - PAGE))
    tail = file.read()
    page = tail[tail.rfind(b"OggS") :]
    count = page[26] if len(page) > 26 else 255
    lengths = page[27 : 27 + count]
    end = size - len(page) + 27 + count + sum(lengths)
    is_last = len(page) > 5 and page[5] & 4
    return end if is_last and len(lengths) == count else size + 1


def is_mp3_without_length(file: BinaryIO) -> bool:
    """Return whether a file is MP3 whose first frame does not say how many frames follow.

    Then libraries guess its length, and where a moment is, from the rate of its first frames.
    """
    file.seek(0)
    head = file.read(3)
    is_mpeg = len(head) > 1 and head[0] == 0xFF and head[1] & 0xE6 in {0xE2, 0xE4, 0xE6}
    if not (is_mpeg or head == b"ID3"):
        return False
    _, _, flags = _mp3_head(file)
    return not flags & 1


def _mp3(file: BinaryIO, _size: int) -> int:
    """MP3: the first frame may say how many bytes all of them have."""
    start, lengths, flags = _mp3_head(file)
    return start + int.from_bytes(lengths[4 * (flags & 1) :][:4], "big") if flags & 2 else 0


def _mp3_head(file: BinaryIO) -> tuple[int, bytes, int]:
    """Return where the first frame begins, what it says of all of them, and which of it is there."""
    file.seek(0)
    head = file.read(10)
    start = 0
    if head[:3] == b"ID3" and len(head) == 10:  # what it is called; seven bits of each byte
        start = 10 + sum(
            (byte & 0x7F) << shift for byte, shift in zip(head[6:], (21, 14, 7, 0), strict=True)
        )
    file.seek(start)
    frame = file.read(200)
    at = max(frame.find(b"Xing"), frame.find(b"Info"))
    flags = int.from_bytes(frame[at + 4 : at + 8], "big") if at > 0 else 0
    return start, frame[at + 8 :], flags


# Where a file's kind is told, how, and the function of how many bytes it should have at least.
_READERS: tuple[tuple[int, bytes | tuple[bytes, ...], Callable[[BinaryIO, int], int]], ...] = (
    (0, b"RIFF", _riff),
    (4, ATOMS, _atoms),
    (0, HEADER, _matroska),
    (0, b"FLV", _flv),
    (0, b"OggS", _ogg),
    (0, (b"ID3", b"\xff"), _mp3),
)
