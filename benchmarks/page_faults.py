"""How much of a sub-step on large inputs does the kernel take, giving and clearing memory?"""

import resource

import torch

import mla_core as mla
from mla_core.data import Modality, MultimodalDataset, Split

SHAPE = (1, 64, 226)  # a spectrogram of speech
SIZES = {"train": 256, "val": 16, "test": 8}
STEPS = 40


def main() -> None:
    for many in (1, 2):
        session = mla.TrainingSession(
            mla.ExperimentConfig(epochs=10_000, evaluate_every=10**9, batch_size=64), _data(many)
        )
        session.advance(steps=8)
        before = resource.getrusage(resource.RUSAGE_SELF)
        session.advance(steps=STEPS)
        after = resource.getrusage(resource.RUSAGE_SELF)
        user, system = after.ru_utime - before.ru_utime, after.ru_stime - before.ru_stime
        print(
            f"  {STEPS} sub-steps on {many} x {SHAPE}, batches of 64: {system / (user + system):.1%} "
            f"of the CPU time in the kernel ({user:.2f} s + {system:.2f} s; "
            f"{after.ru_minflt - before.ru_minflt} page faults; goal at most 5 %)"
        )


def _data(many: int) -> MultimodalDataset:
    draw = torch.Generator().manual_seed(0)
    names = [f"audio{i}" for i in range(many)]

    def split(name: str, n: int) -> Split:
        inputs = {m: torch.randn(n, *SHAPE, generator=draw) for m in names}
        return Split.complete(name, inputs, torch.arange(n) % 4)

    splits = {name: split(name, n) for name, n in SIZES.items()}
    modalities = [Modality(m, "spectrogram", SHAPE) for m in names]
    return MultimodalDataset("noise", modalities, "wxyz", splits)
