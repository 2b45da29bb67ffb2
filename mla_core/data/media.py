"""One part of one sample as a person perceives it: a picture, a sound or a text."""

from __future__ import annotations

import io
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


def media_from_tensor(modality: str, kind: str, x: Tensor, vocabulary: str = "") -> Media:
    """Show the tensor itself: images and spectrograms as pictures, characters and vectors as text.

    Parameters
    ----------
    modality, kind : str
    x : Tensor
        One sample, without the batch axis.
    vocabulary : str
        For characters, see `Modality`.
    """
    if kind == "characters":
        text = "".join(vocabulary[code - 1] for code in x.tolist() if code > 0)
        return Media(modality, "text/plain", text.encode())
    if kind == "vector":
        shown = ", ".join(f"{value:.2f}" for value in x.flatten()[:16].tolist())
        more = ", …" if x.numel() > 16 else ""
        return Media(modality, "text/plain", f"[{shown}{more}]".encode())
    pixels = x.float().numpy()
    if kind == "spectrogram":  # low frequencies at the bottom, any range
        pixels = pixels[:, ::-1]
    low, high = float(pixels.min()), float(pixels.max())
    pixels = (pixels - low) / max(high - low, 1e-12)
    pixels = pixels[0] if len(pixels) == 1 else pixels[:3].transpose(1, 2, 0)
    return Media(modality, "image/png", png_bytes(pixels))
