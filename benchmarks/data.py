"""How long do sounds, pictures and a table take to prepare or check, and how long does training wait?"""

import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

import mla_core as mla
from mla_core.data.decoding import Preparation
from mla_core.data.files import read_manifest, survey
from mla_core.data.samples import StoredColumn

N = 1000
STEPS = 40
ROWS = 1_000_000


def write_files(folder: Path) -> Path:
    """Write one second of noise and a picture of smooth noise per sample, and a manifest."""
    import soundfile

    rng = np.random.default_rng(0)
    lines = ["id,label,sound,image"]
    for i in range(N):
        soundfile.write(folder / f"{i}.wav", 0.1 * rng.normal(size=16000), 16000)
        coarse = rng.integers(0, 256, (16, 16, 3)).astype(np.uint8)
        image = Image.fromarray(coarse).resize((256, 256), Image.Resampling.BICUBIC)
        image.save(folder / f"{i}.jpg", quality=90)
        lines.append(f"{i},{i % 10},{i}.wav,{i}.jpg")
    path = folder / "manifest.csv"
    path.write_text("\n".join(lines))
    return path


def share_of_waiting(data: mla.MultimodalDataset) -> float:
    """Return which share of the time of MLA's sub-steps goes into reading the batch."""
    session = mla.TrainingSession(mla.ExperimentConfig(epochs=10, evaluate_every=0), data)
    session.advance(steps=2)
    read, waited = StoredColumn.__getitem__, [0.0]

    def timed(self, index):
        start = time.perf_counter()
        found = read(self, index)
        waited[0] += time.perf_counter() - start
        return found

    StoredColumn.__getitem__ = timed
    try:
        start = time.perf_counter()
        session.advance(steps=STEPS)
        return waited[0] / (time.perf_counter() - start)
    finally:
        StoredColumn.__getitem__ = read


def check_table(path: Path) -> float:
    """Return how many seconds a table of texts takes to be looked through, as `data check` does."""
    rows = (f's{i},c{i % 10},"word {i % 977} another {i % 13}"' for i in range(ROWS))
    path.write_text("\n".join(["id,label,text", *rows]))
    start = time.perf_counter()
    found = survey(read_manifest(path), Preparation())
    assert not found.faults
    return time.perf_counter() - start


def main() -> None:
    with tempfile.TemporaryDirectory() as home:
        path = write_files(Path(home))
        options = {"path": str(path), "cache": str(Path(home) / "cache")}
        start = time.perf_counter()
        data = mla.load_dataset("manifest", **options)
        took = time.perf_counter() - start
        start = time.perf_counter()
        assert mla.load_dataset("manifest", **options).fingerprint == data.fingerprint
        again = time.perf_counter() - start
        print(
            f"  preparing {N} WAV and {N} JPEG: {took:.1f} s (goal at most 60), again {again:.2f} s"
        )
        took = check_table(Path(home) / "table.csv")
        print(f"  checking a table of {ROWS:,} texts: {took:.0f} s (goal at most 10)")
        print(f"  waiting for data: {share_of_waiting(data):.1%} of a sub-step (goal at most 10 %)")
