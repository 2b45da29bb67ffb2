"""What can go wrong with one part of a sample: kinds of corruption, each with a range of levels.

Every function changes ONE sample, `level` says how much, and all randomness comes from the generator
it is handed: with equal generators a higher level continues what a lower one began.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from mla_core.data.samples import Modality, decode, edit, encode
from mla_core.errors import ConfigError
from mla_core.language import later
from mla_core.plugins import Registry

Apply = Callable[[Tensor, float, torch.Generator, Modality, Tensor], Tensor]
"""(sample, level, generator, modality, spread as in `Corruption`) -> sample of the same shape."""

DROP = "drop"
SILENT = 30.0  # dB: noise that much weaker is not added at all
POWER_FLOOR = 1e-4  # of a spectrogram's largest power, 40 dB below it


@dataclass(frozen=True)
class Corruption:
    """One way to spoil a part.

    Attributes
    ----------
    name : str
        What code calls it, such as ``"noise"``.
    label, unit : str
        What a person reads: ``"pixel noise"``, and what the level means.
    clean, worst : float
        The level that changes nothing, and the strongest one on offer.
    apply : callable
        ``(x, level, generator, modality, spread) -> x``; ``spread`` is the standard deviation of
        the modality's numbers over the training samples, for noise in its units.
    kinds : tuple of str
        Of modalities that it is for.

    Examples
    --------
    A corruption of your own, for this process:

    >>> def darker(x, level, generator, modality, spread):
    ...     return x * (1 - level)
    >>> fog = Corruption("dark", "darkness", "share of the light", 0.0, 1.0, darker, ("image",))
    >>> _ = CORRUPTIONS.register("dark")(fog)
    >>> list(corruptions("image"))
    ['noise', 'blur', 'occlusion', 'dark', 'drop']
    """

    name: str
    label: str
    unit: str
    clean: float
    worst: float
    apply: Apply
    kinds: tuple[str, ...] = ()

    def levels(self, count: int) -> list[float]:
        """Return `count` levels from clean to worst, equally far apart.

        Examples
        --------
        >>> corruptions("spectrogram")["noise"].levels(3)
        [30.0, 5.0, -20.0]
        """
        return [round(float(x), 6) for x in np.linspace(self.clean, self.worst, count)]

    def check(self, level: float) -> float:
        """Return `level`, or raise `ConfigError` when it is outside clean..worst or NaN."""
        low, high = sorted((self.clean, self.worst))
        if not low <= level <= high:
            msg = f"{self.label} {level!r} is outside {low:g}..{high:g} ({self.unit})"
            raise ConfigError(msg)
        return float(level)


def limits(x: Tensor) -> tuple[float, float]:
    """Return black and white of a picture: 0 and 1, or wider where its own values are.

    Examples
    --------
    >>> limits(torch.tensor([0.2, 3.0]))
    (0.0, 3.0)
    """
    return min(0.0, float(x.min())), max(1.0, float(x.max()))


def pixel_noise(x: Tensor, level: float, draw: torch.Generator, *_: object) -> Tensor:
    """Add Gaussian noise of `level` times the step from black to white; the sum is cut there."""
    black, white = limits(x)
    noise = torch.randn(x.shape, generator=draw)
    return (x + level * (white - black) * noise).clamp(black, white)


def blur(x: Tensor, level: float, *_: object) -> Tensor:
    """Take Gaussian means over neighbouring pixels; `level` is their deviation over the side.

    Parameters
    ----------
    x : Tensor
        (..., H, W).
    level : float
        0 gives `x` back.
    """
    if level == 0:
        return x
    rows, columns = (_smoothing(side, level * min(x.shape[-2:])) for side in x.shape[-2:])
    return rows @ x @ columns.T


def _smoothing(side: int, deviation: float) -> Tensor:
    """Return (side, side) weights whose rows add up to 1, so that edges do not darken."""
    place = torch.arange(side, dtype=torch.float32)
    weights = torch.exp(-((place[:, None] - place) ** 2) / (2 * deviation**2))
    return weights / weights.sum(1, keepdim=True)


def occlusion(x: Tensor, level: float, draw: torch.Generator, *_: object) -> Tensor:
    """Put a grey rectangle over about `level` of the picture's area, at a random place.

    Parameters
    ----------
    x : Tensor
        (..., H, W). A pixel is hidden when its centre is.
    level : float
        1 hides everything. A larger rectangle contains the smaller one of the same generator.
    draw : torch.Generator
    """
    share = level**0.5  # of each side
    where = torch.rand(2, generator=draw).tolist()
    hidden = []
    for side, centre in zip(x.shape[-2:], where, strict=True):
        place = (torch.arange(side) + 0.5) / side
        begin = centre * (1 - share)
        hidden.append((begin <= place) & (place <= begin + share))
    covered = hidden[0][:, None] & hidden[1]  # (H, W)
    if share == 0:
        return x
    return torch.where(covered, sum(limits(x)) / 2, x)


def power_noise(x: Tensor, level: float, draw: torch.Generator, *_: object) -> Tensor:
    """Add white noise to the power of a log spectrogram; its mean and deviation stay.

    Used where there is no waveform to add it to: then ``exp(x)`` stands for the power, though a
    standardised spectrogram has lost its scale, so the level in dB is nominal.

    Parameters
    ----------
    x : Tensor
        (1, mels, frames).
    level : float
        Mean power over the noise's mean power in dB; at least 30 means no noise at all.
    draw : torch.Generator
    """
    if level >= SILENT:
        return x
    power = (x - x.max()).exp().clamp_min(POWER_FLOOR)
    # The power of Gaussian noise in one cell is exponentially distributed.
    noise = torch.empty(x.shape).exponential_(generator=draw)
    noisy = (power + noise * power.mean() / 10 ** (level / 10)).log()
    scaled = (noisy - noisy.mean()) / noisy.std(correction=0).clamp_min(1e-6)
    return scaled * x.std(correction=0) + x.mean()


def typos(x: Tensor, level: float, draw: torch.Generator, modality: Modality, _: Tensor) -> Tensor:
    """Make typing errors, see `mla_core.data.samples.characters.edit`; what is too long loses its end.

    Parameters
    ----------
    x : Tensor
        (L,) int64 codes.
    level : float
        Probability per character.
    draw : torch.Generator
    modality : Modality
        Its vocabulary gives the letters.
    """
    letters = "".join(filter(str.isalpha, modality.vocabulary))
    letters = letters if len(letters) > 1 else modality.vocabulary
    rng = np.random.default_rng(draw.initial_seed())
    wrong = edit(decode(x, modality.vocabulary), level, rng, letters)
    return encode([wrong[: len(x)]], modality.vocabulary, len(x))[0]


def other_tokens(
    x: Tensor, level: float, draw: torch.Generator, modality: Modality, _: Tensor
) -> Tensor:
    """Replace each token of (L,) with probability `level` by any other; padding stays."""
    hit = torch.rand(x.shape, generator=draw) < level
    drawn = torch.randint(1, modality.codes + 1, x.shape, generator=draw)
    return torch.where(hit & (x > 0), drawn, x)


def spread_noise(
    x: Tensor, level: float, draw: torch.Generator, _: Modality, spread: Tensor
) -> Tensor:
    """Add Gaussian noise whose deviation is `level` times that of each number in training."""
    return x + level * spread * torch.randn(x.shape, generator=draw)


def _keep(x: Tensor, *_: object) -> Tensor:
    """Change nothing: taking a part away is not a change of its content."""
    return x


DROPPING = Corruption(
    DROP, later("missing"), later("share of the samples that lack the part"), 0.0, 1.0, _keep
)
PICTURES = ("image", "video")
PIXEL_NOISE = Corruption(
    "noise",
    later("pixel noise"),
    later("standard deviation, black = 0, white = 1"),
    0.0,
    1.0,
    pixel_noise,
    PICTURES,
)
BLUR = Corruption(
    "blur",
    later("blur"),
    later("standard deviation over the picture's side"),
    0.0,
    0.3,
    blur,
    PICTURES,
)
OCCLUSION = Corruption(
    "occlusion",
    later("occlusion"),
    later("share of the picture that is hidden"),
    0.0,
    1.0,
    occlusion,
    PICTURES,
)
WHITE_NOISE = Corruption(
    "noise",
    later("white noise"),
    later("dB, sound over noise"),
    SILENT,
    -20.0,
    power_noise,
    ("spectrogram",),
)
TYPOS = Corruption(
    "typos",
    later("typing errors"),
    later("probability per character"),
    0.0,
    1.0,
    typos,
    ("characters",),
)
TOKENS = Corruption(
    "other",
    later("wrong tokens"),
    later("probability per token"),
    0.0,
    1.0,
    other_tokens,
    ("tokens",),
)
NUMBERS = Corruption(
    "noise",
    later("noise"),
    later("standard deviations of the training data"),
    0.0,
    4.0,
    spread_noise,
    ("sequence", "vector"),
)
CORRUPTIONS: Registry[Corruption] = Registry(
    "corruption",
    "corruptions",
    {
        name: (f"{__name__}:{name.upper()}", thing.label)
        for name, thing in {
            "pixel_noise": PIXEL_NOISE,
            "blur": BLUR,
            "occlusion": OCCLUSION,
            "white_noise": WHITE_NOISE,
            "typos": TYPOS,
            "tokens": TOKENS,
            "numbers": NUMBERS,
        }.items()
    },
    check="mla_core.data.corruption.guest:check_corruption",
)


def corruptions(kind: str) -> dict[str, Corruption]:
    """Return every corruption of a kind of modality by name; ``"drop"`` is the last of all.

    Examples
    --------
    >>> list(corruptions("spectrogram"))
    ['noise', 'drop']
    """
    known = [(name, CORRUPTIONS[name]) for name in CORRUPTIONS]
    own = {
        thing.name if name in CORRUPTIONS.built_in else name: thing
        for name, thing in known
        if kind in thing.kinds
    }
    return {**own, DROP: DROPPING}
