"""Pictures: cropped to a square in the middle, stored in 8 bits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, features

from mla_core.data.decoding.base import Decoder, Looked
from mla_core.data.decoding.optional import need
from mla_core.data.decoding.whole import check_whole
from mla_core.data.samples import Modality, Source
from mla_core.errors import DataError, MissingPackageError

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")
SUFFIXES = (
    *(".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff"),
    *(".heic", ".heif", ".avif"),  # where a library for them is installed
)
_TELEPHONES = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx"}  # brands with HEVC inside
_SAY_LENGTHS = ("WEBP", "AVIF", "HEIF")  # of each of their parts
_DAMAGE = (OSError, ValueError, SyntaxError, EOFError, RuntimeError)  # what Pillow's readers raise

DARK = 0.125  # of what 16 bits hold: where no shade is above, it was measured with 13 or fewer
PIXELS = 89_000_000  # of one picture: in RGBA 340 MiB
TOO_MANY = (
    f"has far too many pixels to be a photograph (more than {PIXELS / 1e6:.0f} million): shrink it"
)


class ImageDecoder(Decoder):
    """(3, size, size) uint8: the middle of the picture, upright, in RGB, on white."""

    kind = "image"
    dtype = np.uint8
    uses = ("size",)

    def look(self, source: Source) -> Looked:
        """Read the size, and see that it is all there; a JPEG or PNG without its end is read in whole."""
        with open_image(source) as image:
            size = tuple(map(float, image.size))
            if image.format in _SAY_LENGTHS:
                check_whole(source)
            elif image.format is not None and not _ends(source, image.format):
                to_square(image, self.preparation.size, source.box)
            return Looked(size, brightest=_brightest(image))

    def modality(self, name: str, looked: Sequence[Looked]) -> Modality:
        """Return the square."""
        size = self.preparation.size
        return Modality(name, self.kind, (3, size, size))

    def notes(self, modality: Modality, looked: Sequence[Looked]) -> list[str]:
        """Also tell pictures of fewer bits than their files have, which are nearly black."""
        brightest = max(one.brightest for one in looked)
        if not brightest < DARK:
            return super().notes(modality, looked)
        dark = (
            f"{modality.name}: not one picture has a shade above {brightest:.1%} of what 16 bits hold, so "
            "they are nearly black: stretch their shades to 0 to 65535, or save them with 8 bits"
        )
        return [*super().notes(modality, looked), dark]

    def decode(self, source: Source, modality: Modality) -> NDArray[Any]:
        """Read, crop and resize."""
        with open_image(source) as image:
            return to_square(image, modality.shape[-1], source.box)


def open_image(source: Source) -> Image.Image:
    """Return the picture, its pixels not yet read.

    Raises
    ------
    DataError
        When it is none, lacks its end, or is so large that it would fill the memory.
    """
    content = source.read()
    if isinstance(content, np.ndarray):
        return Image.fromarray(_pixels(content))
    formats = _formats(source)
    try:
        opened = Image.open(source.stream(), formats=formats)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise DataError(TOO_MANY) from error
    except _DAMAGE as error:
        msg = f"is no picture that can be read ({', '.join(FORMATS)}, HEIC, AVIF): export it anew"
        raise DataError(msg) from error
    try:
        _check(source, opened)
    except DataError:
        opened.close()
        raise
    return opened


def _formats(source: Source) -> tuple[str, ...]:
    """Return what a file may be; of the formats that need a library, the one that its head names."""
    with source.open() as file:
        head = file.read(128)
    if head[4:8] != b"ftyp":
        return FORMATS
    brands = head[8 : int.from_bytes(head[:4], "big")]  # the first may be one for all, as mif1 is
    if _TELEPHONES & {brands[at : at + 4] for at in range(0, len(brands), 4)}:
        need("pillow_heif", "HEIC pictures").register_heif_opener()
        return ("HEIF",)
    if not features.check("avif"):
        msg = "reading AVIF pictures needs Pillow 11.3 or newer: pip install -U pillow"
        raise MissingPackageError(msg)
    return ("AVIF",)


# Tags of a TIFF: how many bits a number has, which end is black, what the numbers are, and where
# the strips or tiles of the picture begin and how long they are.
_BITS, _BLACK, _NUMBERS = 258, 262, 339
_PLACES = ((273, 279), (324, 325))


def _check(source: Source, image: Image.Image) -> None:
    """Refuse too many pixels; a TIFF of numbers that are no shades, or without its end."""
    if image.width * image.height > PIXELS:
        raise DataError(TOO_MANY)
    if image.format != "TIFF":
        return
    tags = image.tag_v2  # type: ignore[attr-defined]
    bits, numbers = set(tags.get(_BITS, (1,))), set(tags.get(_NUMBERS, (1,)))
    turned = tags.get(_BLACK) == 0 and 16 in bits  # 0 is white, which Pillow leaves as it is
    if bits - {1, 2, 4, 8, 16} or numbers != {1} or turned:
        msg = (
            f"is a TIFF of measured numbers ({max(bits)} bits, {image.mode}), not of shades: save "
            "it with 8 or 16 bits of 0 for black, or the numbers as .npy"
        )
        raise DataError(msg)
    with source.open() as file:
        size = file.seek(0, 2)
    for begins, lengths in _PLACES:
        parts = zip(tags.get(begins, ()), tags.get(lengths, ()), strict=False)
        if max((begin + length for begin, length in parts), default=0) > size:
            msg = f"is cut off: its {size} bytes end before it does: copy it again"
            raise DataError(msg)


def _pixels(content: NDArray[Any]) -> NDArray[Any]:
    """Return numbers as a library takes a picture's pixels."""
    if content.ndim != 2 and not (content.ndim == 3 and content.shape[2] in {3, 4}):
        msg = (
            f"has the shape {content.shape}, but a picture has (height, width) or "
            "(height, width, 3 or 4 colours): store it so, or say another kind"
        )
        raise DataError(msg)
    if content.dtype == np.uint8 or (content.dtype == np.uint16 and content.ndim == 2):
        return content
    if (
        content.dtype.kind not in "iu"
        or not content.size
        or not 0 <= content.min() <= content.max() <= 255
    ):
        msg = f"holds {content.dtype} that are no pixels: store whole numbers from 0 to 255"
        raise DataError(msg)
    return content.astype(np.uint8)


def to_square(image: Image.Image, size: int, box: tuple[float, ...] | None) -> NDArray[np.uint8]:
    """Return (3, size, size): the region `box` in percent, of that the middle square, resized."""
    try:
        if box is None:
            image.draft("RGB", (size, size))  # a large JPEG is read at a fraction of its size
        image = ImageOps.exif_transpose(image)
        image = _rgb(image)
    except _DAMAGE as error:
        msg = f"is cut off or damaged ({error}): copy it again"
        raise DataError(msg) from error
    if box is not None:
        x, y, width, height = (share / 100 for share in box)
        right, bottom = (x + width) * image.width, (y + height) * image.height
        image = image.crop(
            (round(x * image.width), round(y * image.height), round(right), round(bottom))
        )
    if min(image.size) < 1:
        msg = f"has no pixels in the region {box}: mend xywh=percent:..."
        raise DataError(msg)
    square = ImageOps.fit(image, (size, size), Image.Resampling.BICUBIC)
    return np.asarray(square).transpose(2, 0, 1)


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):  # 16 bits of grey
        grey = np.asarray(image).astype(np.float32)
        image = Image.fromarray((grey / 257).clip(0, 255).astype(np.uint8))
    if image.mode in {"RGBA", "LA", "PA"} or "transparency" in image.info:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    return image.convert("RGB")


def _brightest(image: Image.Image) -> float:
    """Return the lightest shade of 16 bits of grey as a share of what these hold; of others 1."""
    if not image.mode.startswith("I"):
        return 1.0
    try:
        return float(np.asarray(image).max(initial=0)) / 65535
    except _DAMAGE:  # which is told when it is decoded
        return 1.0


def _ends(source: Source, kind: str) -> bool:
    """Return whether the file ends as its kind does, so that it was hardly cut off."""
    ending = {"JPEG": b"\xff\xd9", "PNG": b"IEND\xaeB`\x82"}.get(kind)
    if ending is None:
        return True
    with source.open() as file:
        file.seek(-min(len(ending), file.seek(0, 2)), 2)
        return file.read() == ending
