"""One part of one sample as a person perceives it: a picture, a sound or a text."""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from torch import Tensor


@dataclass(frozen=True)
class Media:
    """One part of one sample.

    Attributes
    ----------
    modality : str
    mime : {"image/png", "audio/wav", "text/plain"}
    data : bytes
        The file's content; text is UTF-8.
    caption : str
        What else is known, such as the voice or the language.
    """

    modality: str
    mime: str
    data: bytes
    caption: str = ""


def png_bytes(pixels: np.ndarray, side: int = 160) -> bytes:
    """Return a PNG of `pixels` (H, W) or (H, W, 3) in 0..1, enlarged to about `side` pixels.

    Nearest-neighbour enlargement, since a small image should show its own pixels.
    """
    from PIL import Image

    image = Image.fromarray((np.clip(pixels, 0, 1) * 255).round().astype(np.uint8))
    factor = max(1, side // max(image.size))
    image = image.resize((image.width * factor, image.height * factor), Image.Resampling.NEAREST)
    buffer = io.BytesIO()
    image.save(buffer, format="PNG")
    return buffer.getvalue()


# The first of Okabe and Ito's colours, which people of any colour vision tell apart.
LINES = {
    "blue": (0, 114, 178),
    "orange": (230, 159, 0),
    "green": (0, 158, 115),
    "red": (213, 94, 0),
    "purple": (204, 121, 167),
    "black": (0, 0, 0),
}


def lines_png(values: np.ndarray, width: int = 320, height: int = 160) -> bytes:
    """Return a PNG with one line per channel over time, and a grey one where the value is 0.

    Parameters
    ----------
    values : ndarray
        (channels, steps), any range: the picture covers it, and 0.
    width, height : int
        In pixels.
    """
    from PIL import Image, ImageDraw

    fine = 3  # drawn larger and made smaller again, which smooths the lines
    low, high = min(0.0, float(values.min())), max(0.0, float(values.max()))
    right, bottom, margin = width * fine - 1, height * fine - 1, 4 * fine
    across = np.linspace(margin, right - margin, values.shape[1])

    def down(value: np.ndarray) -> np.ndarray:
        share = (value - low) / max(high - low, 1e-12)
        return np.asarray(bottom - margin - share * (bottom - 2 * margin))

    image = Image.new("RGB", (width * fine, height * fine), "white")
    draw = ImageDraw.Draw(image)
    zero = float(down(np.zeros(())))
    draw.line([(0, zero), (right, zero)], fill=(190, 190, 190), width=fine)
    colours = list(LINES.values())
    for channel, value in enumerate(values):
        points = list(zip(across.tolist(), down(value).tolist(), strict=True))
        draw.line(points, fill=colours[channel % len(colours)], width=2 * fine, joint="curve")
    buffer = io.BytesIO()
    image.resize((width, height), Image.Resampling.BOX).save(buffer, format="PNG")
    return buffer.getvalue()


def name_lines(channels: Iterable[object]) -> str:
    """Return which line of `lines_png` is which channel.

    Examples
    --------
    >>> name_lines("xyz")
    'lines over time: x blue, y orange, z green'
    """
    pairs = zip(channels, itertools.cycle(LINES))
    return "lines over time: " + ", ".join(f"{channel} {colour}" for channel, colour in pairs)


def media_from_tensor(modality: str, kind: str, x: Tensor, vocabulary: str = "") -> Media:
    """Show the tensor itself: as a picture, or, if it holds characters, tokens or a vector, as text.

    Parameters
    ----------
    modality, kind : str
    x : Tensor
        One sample, without the batch axis. Of a video the middle frame is shown.
    vocabulary : str
        For characters, see `Modality`.
    """
    if kind == "tokens":
        return Media(modality, "text/plain", " ".join(map(str, x[x > 0].tolist())).encode())
    if kind == "characters":
        text = "".join(vocabulary[code - 1] for code in x.tolist() if code > 0)
        return Media(modality, "text/plain", text.encode())
    if kind == "sequence":
        return Media(modality, "image/png", lines_png(x.numpy()), name_lines(range(1, len(x) + 1)))
    if kind == "vector":
        shown = ", ".join(f"{value:.2f}" for value in x.flatten()[:16].tolist())
        more = ", …" if x.numel() > 16 else ""
        return Media(modality, "text/plain", f"[{shown}{more}]".encode())
    pixels = x.float().numpy()
    if kind == "video":  # the frames side by side
        pixels = np.concatenate(list(pixels), axis=-1)
    if kind == "spectrogram":  # low frequencies at the bottom, any range
        pixels = pixels[:, ::-1]
    low, high = float(pixels.min()), float(pixels.max())
    pixels = (pixels - low) / max(high - low, 1e-12)
    pixels = pixels[0] if len(pixels) == 1 else pixels[:3].transpose(1, 2, 0)
    return Media(modality, "image/png", png_bytes(pixels))
