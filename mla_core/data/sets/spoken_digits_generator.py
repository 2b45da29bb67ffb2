"""Build `spoken_digits.npz`, the arrays behind the default data set.

Run ``python -m mla_core.data.sets.spoken_digits_generator [--out FILE]``. It needs
``pip install -e '.[generate]'``: espeak-ng is GPL-3, so it is no dependency of this package;
only its output is shipped. `mla_core.data.sets.speech` drives it.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mla_core.data.samples import SAMPLES, SPLITS, mu_law_encode
from mla_core.data.sets.digit_words import LANGUAGES
from mla_core.data.sets.speech import (
    ACCENTS,
    Espeak,
    family,
    load_espeakng,
    resampler,
    split_families,
    trim,
)
from mla_core.files import written_whole

FILE = Path(__file__).with_name("spoken_digits.npz")
IMAGE_ROWS = {"train": range(1078), "val": range(1078, 1438), "test": range(1438, 1797)}


def synthesise() -> dict[str, NDArray[Any]]:
    """Return every digit once in every voice: codes, and what is known about each clip.

    A voice keeps one accent; speed and pitch change from word to word by fixed arithmetic. A
    word that would not fit into SAMPLES is said faster until it does, so no word is ever cut.
    """
    espeak, resample = Espeak(), resampler()
    voices = espeak.voices()
    split_of = split_families(Counter(map(family, voices)))
    codes: list[NDArray[np.uint8]] = []
    rows: list[tuple[int, str, str, str, int]] = []
    for i, voice in enumerate(voices):
        accent = ACCENTS[i % len(ACCENTS)]
        espeak.use(accent, voice)
        for digit, word in enumerate(LANGUAGES["English"]):
            speed = 140 + (37 * i + 11 * digit) % 50
            pitch = 35 + (23 * i + 7 * digit) % 30
            while len(clip := trim(resample(espeak.say(word, speed, pitch)))) > SAMPLES:
                speed += 20
            codes.append(mu_law_encode(clip))
            rows.append((digit, voice, family(voice), accent, speed))
    digits, names, families, accents, speeds = zip(*rows, strict=True)
    return {
        "clip_codes": np.concatenate(codes),
        "clip_offsets": np.cumsum([0, *map(len, codes)], dtype=np.int32),
        "clip_digit": np.array(digits, dtype=np.uint8),
        "clip_voice": np.array(names),
        "clip_family": np.array(families),
        "clip_accent": np.array(accents),
        "clip_speed": np.array(speeds, dtype=np.uint16),
        "clip_split": np.array([SPLITS.index(split_of[f]) for f in families], dtype=np.uint8),
    }


def images() -> dict[str, NDArray[Any]]:
    """Return the handwritten digits of scikit-learn, and the split of each row.

    The rows of `load_digits` follow one another writer by writer, and nobody recorded who wrote
    which. So the split is by contiguous rows: 0..1077 train, 1078..1437 val, 1438..1796 test. A
    random split would put every writer on all sides and overstate the accuracy on new writers.
    """
    from sklearn.datasets import load_digits

    digits = load_digits()
    split = np.zeros(len(digits.target), dtype=np.uint8)
    for code, side in enumerate(SPLITS):
        split[list(IMAGE_ROWS[side])] = code
    return {
        "images": digits.images.astype(np.uint8),
        "image_digit": digits.target.astype(np.uint8),
        "image_split": split,
    }


def generate() -> dict[str, NDArray[Any]]:
    """Return all arrays of `spoken_digits.npz`, the same bit for bit at every call.

    Returns
    -------
    dict of str to ndarray
        ``images`` (1797, 8, 8) uint8 in 0..16, ``image_digit``, ``image_split`` (1797,);
        ``clip_codes`` uint8, all clips one after the other in the codec of `mla_core.data.samples.audio`
        at 8 kHz, clip k from ``clip_offsets[k]`` to ``clip_offsets[k + 1]``; per clip
        ``clip_digit``, ``clip_voice``, ``clip_family``, ``clip_accent``, ``clip_speed`` (words a
        minute), ``clip_split``. Splits are indices into train, val, test.

    Notes
    -----
    Another version of espeak-ng speaks differently: the shipped file comes from the package
    espeakng-loader 0.2.4 (espeak-ng 1.52) on Linux.
    """
    load_espeakng()  # so that a missing extra is named here, not in the other process
    # espeak-ng keeps state that no call resets: only a fresh process starts from the same one.
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, FILE.name)
        command = [
            sys.executable,
            "-m",
            "mla_core.data.sets.spoken_digits_generator",
            "--out",
            str(out),
        ]
        subprocess.run(command, cwd=FILE.parents[2], check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - ourselves
        with np.load(out, allow_pickle=False) as arrays:
            return dict(arrays)


def main(arguments: list[str] | None = None) -> None:
    """Write the file, whole or not at all."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=FILE, help="default: the shipped file")
    out: Path = parser.parse_args(arguments).out
    arrays: dict[str, Any] = {**images(), **synthesise()}
    with written_whole(out) as beside:
        np.savez_compressed(beside, allow_pickle=False, **arrays)
    print(f"{out}: {out.stat().st_size:,} bytes")  # noqa: T201 - a command prints


if __name__ == "__main__":
    main()
