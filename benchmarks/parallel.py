"""What do two processes gain, each with one of two large modalities, or with half of every batch?"""

import os
import subprocess
import sys
from pathlib import Path

import mla_core as mla
from benchmarks.timing import paired, report
from mla_core.methods import Call, Team, follow, meet
from mla_core.threads import cores

RUNS = 10
ROUNDS = 2  # in one timed block
PLACE = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29671"}


def session() -> mla.TrainingSession:
    """Return a run on random pictures: two modalities, encoders of tens of milliseconds."""
    import torch

    draw = torch.Generator().manual_seed(0)
    modalities = [mla.Modality(name, "image", (3, 128, 128)) for name in ("left", "right")]

    def side(name: str, n: int) -> mla.Split:
        inputs = {one.name: torch.rand(n, *one.shape, generator=draw) for one in modalities}
        return mla.Split.complete(name, inputs, torch.arange(n) % 4)

    splits = {name: side(name, n) for name, n in (("train", 256), ("val", 8), ("test", 8))}
    data = mla.MultimodalDataset("pictures", modalities, "abcd", splits)
    config = mla.ExperimentConfig(epochs=10_000, evaluate_every=10**9)
    return mla.TrainingSession(config, data)


def main() -> None:
    if cores() < 2:
        print("  one core: two processes can gain nothing")
        return
    one_core = os.environ | {
        "MLA_LAB_CORES": "1",
        "OMP_NUM_THREADS": "1",
        "WORLD_SIZE": "2",
        **PLACE,
    }
    command = [sys.executable, "-m", "benchmarks.parallel"]
    both = [
        subprocess.Popen(  # noqa: S603 - this very file
            command, cwd=Path(__file__).parents[1], env=one_core | {"RANK": rank}
        )
        for rank in "01"
    ]
    assert [one.wait() for one in both] == [0, 0]


def one_of_two() -> None:
    """Time rounds with the other process and without it, in turn; the leader's part, or the other's."""
    meet()
    for cut in ("modality", "data"):
        team, together = Team(cut), session()
        if not team.leads:
            assert team.heard()[0] == Call.BEGIN
            follow(together.method, together.data.split("train"), team)
            continue
        team.call(Call.BEGIN)
        together.method.join(team)
        alone = session()
        pairs = paired(
            lambda s=together: s.advance(steps=2 * ROUNDS),
            lambda s=alone: s.advance(steps=2 * ROUNDS),
            RUNS,
        )
        what = f"{ROUNDS} rounds of two encoders, {cut} divided: two processes / one"
        report(what, pairs, "none set; 0.5 would be all")
        team.call(Call.END)


if __name__ == "__main__":
    one_of_two()
