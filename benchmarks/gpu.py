"""How long is a round on a GPU against a plain loop written by hand, and how busy is the GPU?"""

import itertools
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import mla_core as mla
from benchmarks.timing import paired, report
from mla_core.data.samples import ArrayOnDisk, StoredColumn
from mla_core.encoders.resnet import ResNet18

SHAPES = {"image": (3, 224, 224), "audio": (1, 128, 256)}
KINDS = {"image": "image", "audio": "spectrogram"}
SIZES = {"train": 1024, "val": 16, "test": 16}
CLASSES, BATCH = 10, 64
ALPHA, RATE, MOMENTUM, DECAY = 0.1, 0.01, 0.9, 1e-4
ROUNDS = 8  # in one timed block
RUNS = 10


def samples(n: int) -> dict[str, Tensor]:
    """Return n random samples per modality, uint8 (n, ...)."""
    draw = torch.Generator().manual_seed(0)
    return {
        name: torch.randint(256, (n, *shape), dtype=torch.uint8, generator=draw)
        for name, shape in SHAPES.items()
    }


def plain_loop(inputs: dict[str, Tensor], device: str) -> Iterator[float]:
    """Give one round of MLA at a time, as one writes it by hand: eager, one sub-step after another.

    Samples are uint8 in pinned memory; encoders, head and P are on the device; the loss is read
    once a round.
    """
    amp = {"device_type": device, "dtype": torch.bfloat16, "enabled": device == "cuda"}
    if device == "cuda":
        inputs = {name: x.pin_memory() for name, x in inputs.items()}
    labels = torch.arange(len(next(iter(inputs.values())))) % CLASSES
    encoders = {name: ResNet18(shape[0]).to(device) for name, shape in SHAPES.items()}
    head = nn.Linear(512, CLASSES).to(device)
    P = torch.eye(512, dtype=torch.float64, device=device)
    settings = {"lr": RATE, "momentum": MOMENTUM, "weight_decay": DECAY, "fused": True}
    optimizers = {
        name: torch.optim.SGD([*encoder.parameters(), *head.parameters()], **settings)
        for name, encoder in encoders.items()
    }
    for start in itertools.count(step=BATCH):
        rows = torch.arange(start, start + BATCH) % len(labels)
        y = labels[rows].to(device, non_blocking=True)
        for name, encoder in encoders.items():
            x = inputs[name][rows].to(device, non_blocking=True).float() / 255
            with torch.autocast(**amp):
                z = encoder(x)
            z = z.float()
            loss = F.cross_entropy(head(z), y)
            optimizers[name].zero_grad()
            loss.backward()
            with torch.no_grad():
                h = z.mean(0, dtype=torch.float64)
                k = P @ h
                P -= torch.outer(k, k) / (ALPHA + h @ k)
                head.weight.grad = head.weight.grad @ P.float()
            optimizers[name].step()
        yield float(loss.detach())


def data_of(inputs: dict[str, Tensor], folder: Path | None) -> mla.MultimodalDataset:
    """Return the same samples as a data set: in memory as float32, or as uint8 in a folder."""

    def column(name: str, split: str, n: int) -> Tensor | StoredColumn:
        part = inputs[name][:n]
        if folder is None:
            return part.float() / 255
        path = folder / f"{name}-{split}.npy"
        np.save(path, part.numpy())
        return StoredColumn(ArrayOnDisk.open(path), torch.arange(n), np.zeros((n, 1), np.uint8))

    def side(split: str, n: int) -> mla.Split:
        columns = {name: column(name, split, n) for name in inputs}
        return mla.Split.complete(split, columns, torch.arange(n) % CLASSES)

    splits = {split: side(split, n) for split, n in SIZES.items()}
    modalities = [mla.Modality(name, KINDS[name], SHAPES[name]) for name in inputs]
    return mla.MultimodalDataset("random", modalities, "abcdefghij"[:CLASSES], splits)


def session_on(data: mla.MultimodalDataset, device: str, **changes: object) -> mla.TrainingSession:
    """Return a session that does the work of the plain loop: the head's momentum is one, not two."""
    config = mla.ExperimentConfig(
        encoders=dict.fromkeys(SHAPES, "resnet18"),
        feature_size="encoder",
        batch_size=BATCH,
        alpha=ALPHA,
        learning_rate=RATE,
        momentum=MOMENTUM,
        weight_decay=DECAY,
        epochs=10_000,
        evaluate_every=10**9,
        device=device,
    )
    return mla.TrainingSession(config.replace(**changes), data)


def covered(spans: list[tuple[float, float]]) -> float:
    """Return how much of a line spans (start, end) cover, however they overlap."""
    total, reached = 0.0, float("-inf")
    for start, end in sorted(spans):
        total += max(0.0, end - max(start, reached))
        reached = max(reached, end)
    return total


def busy(block: Callable[[], object]) -> float:
    """Return the share of a block's time in which the GPU does anything, as torch's profiler sees it."""
    activities = [torch.profiler.ProfilerActivity.CUDA]
    with torch.profiler.profile(activities=activities) as profile:
        start = time.perf_counter()
        block()
        took = 1e6 * (time.perf_counter() - start)  # µs, as the profiler has them
    spans = [
        (event.time_range.start, event.time_range.end)
        for event in profile.events()
        if event.device_type == torch.autograd.DeviceType.CUDA
    ]
    return covered(spans) / took


def main() -> None:
    if not torch.cuda.is_available():
        print("  no GPU here, so there is nothing to measure: run it on a machine with CUDA")
        return
    print(f"  {torch.cuda.get_device_name()}, cuDNN {torch.backends.cudnn.version()}")
    inputs = samples(max(SIZES.values()))
    plain = plain_loop(inputs, "cuda")

    def by_hand() -> None:
        for _ in range(ROUNDS):
            next(plain)
        torch.cuda.synchronize()

    with tempfile.TemporaryDirectory() as home:
        for where, folder in (("memory", None), ("disk", Path(home))):
            data = data_of(inputs, folder)
            for head in ("cpu", "same"):
                session = session_on(data, "cuda", head_device=head)

                def ours(one: mla.TrainingSession = session) -> None:
                    one.advance(steps=len(SHAPES) * ROUNDS)
                    torch.cuda.synchronize()

                ours()  # its graphs are captured at the second batch of a size
                print(f"  {session.describe()}")
                what = f"{ROUNDS} rounds fed from {where}, head_device {head!r} / plain loop"
                report(what, paired(ours, by_hand, RUNS), "at most 0.6")
                print(f"    the GPU is busy {busy(ours):.0%} of the time (goal at least 80 %)")
    print(f"  in the plain loop it is busy {busy(by_hand):.0%} of the time")
