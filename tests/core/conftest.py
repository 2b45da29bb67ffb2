"""Tiny Gaussian data and configurations, and what "the same, bit for bit" means."""

from collections.abc import Callable, Iterator

import pytest
import torch
from torch import Tensor

from mla_core import ExperimentConfig, Modality, MultimodalDataset, Split, TrainingSession
from mla_core.encoders import placement
from mla_core.runs.specification import read_specification
from tests.core.models import write_models


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """Keep torch to one thread: on tensors this small, threads only wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session", autouse=True)
def no_gpu() -> Iterator[None]:
    """Compute where every machine can, and as precisely: `test_device` asks for the other places."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(placement, "available_devices", lambda: ["cpu"])
        yield


@pytest.fixture(scope="session")
def tiny() -> Callable[..., ExperimentConfig]:
    """Give a factory: three Gaussian modalities, 3 rounds of 3 sub-steps an epoch."""

    def make(**changes) -> ExperimentConfig:
        few = {"modalities": 3, "classes": 4, "dim": 5, "sizes": [40, 24, 20]}
        plain = {
            "dataset": "gaussian",
            "dataset_options": few | changes.pop("dataset_options", {}),
            "epochs": 2,
            "batch_size": 16,
            "feature_size": 12,
            "evaluate_every": 4,
            "probe_size": 20,
        }
        return ExperimentConfig(**(plain | changes))

    return make


@pytest.fixture(scope="session")
def of(tiny) -> Callable[..., ExperimentConfig]:
    """Give a factory: `tiny` for one method, which gets one modality where it wants no more."""

    def make(method: str, first: str = "m0", **changes) -> ExperimentConfig:
        one = {"modalities": [first]} if method == "unimodal" else {}
        return tiny(**({"method": method} | one | changes))

    return make


@pytest.fixture(scope="session")
def make_data() -> Callable[..., MultimodalDataset]:
    """Give a factory: random vectors `a` (4,) and `b` (3,) with parts taken away at random."""

    def make(missing: float = 0.0, filler: float = 0.0, seed: int = 0) -> MultimodalDataset:
        source = torch.Generator().manual_seed(seed)
        sizes = {"a": 4, "b": 3}

        def side(name: str, n: int) -> Split:
            labels = torch.arange(n) % 3
            inputs = {m: torch.randn(n, d, generator=source) for m, d in sizes.items()}
            split = Split.complete(name, inputs, labels)
            absent = torch.rand(2, n, generator=source) < missing
            absent[:, :3] = False
            for row, x in enumerate(split.inputs.values()):
                x[absent[row]] = filler
            split.present[absent] = False
            return split

        modalities = [Modality(m, "vector", (d,)) for m, d in sizes.items()]
        splits = {name: side(name, n) for name, n in (("train", 48), ("val", 30), ("test", 21))}
        return MultimodalDataset("tiny", modalities, "xyz", splits)

    return make


def _bits(tensors: dict[str, Tensor]) -> dict[str, bytes]:
    return {name: tensor.cpu().contiguous().numpy().tobytes() for name, tensor in tensors.items()}


@pytest.fixture(scope="session")
def bits() -> Callable[[dict[str, Tensor]], dict[str, bytes]]:
    """Give a function that turns tensors into bytes, in which even two NaN can be equal."""
    return _bits


@pytest.fixture(scope="session")
def assert_same() -> Callable[[TrainingSession, TrainingSession], None]:
    """Give a check that two sessions have done the same and will go on alike."""

    def check(one: TrainingSession, two: TrainingSession) -> None:
        assert one.history.steps == two.history.steps
        assert one.history.summaries == two.history.summaries
        assert _bits(one.method.state_dict()) == _bits(two.method.state_dict())
        assert (one.step, one.epoch, one.step_in_epoch) == (two.step, two.epoch, two.step_in_epoch)
        assert (one.best is None) == (two.best is None)
        if one.best is not None:
            assert one.best.step == two.best.step
            assert _bits(one.best.tensors) == _bits(two.best.tensors)

    return check


@pytest.fixture(scope="session")
def tiny_settings() -> str:
    """Give the start of a specification: `tiny` in TOML."""
    return """
description = "Does it run?"
[common]
dataset = "gaussian"
dataset_options = {modalities = 3, classes = 4, dim = 5, sizes = [40, 24, 20]}
batch_size = 16
feature_size = 12
probe_size = 20
epochs = 2
"""


@pytest.fixture
def specify(tmp_path, tiny_settings):
    """Give a function that writes a specification and reads it."""

    def make(text: str, common: str = tiny_settings):
        path = tmp_path / "question.toml"
        path.write_text(common + text)
        return read_specification(path)

    return make


@pytest.fixture(scope="session")
def models(tmp_path_factory) -> Callable[[str], str]:
    """Give a function: the folder of a small random model of a real class (`tests.core.models`)."""
    folder = tmp_path_factory.mktemp("models")
    write_models(folder)
    return lambda name: str(folder / name)


SHAPES = {
    "image": ("image", (3, 16, 16)),
    "grey": ("image", (1, 12, 10)),
    "video": ("video", (2, 3, 16, 16)),
    "audio": ("spectrogram", (1, 16, 20)),
    "text": ("tokens", (7,)),
    "wave": ("sequence", (1, 300)),
    "letters": ("characters", (7,)),
    "numbers": ("vector", (5,)),
}


@pytest.fixture(scope="session")
def make_media() -> Callable[..., MultimodalDataset]:
    """Give a factory: 3 classes, any of the modalities in `SHAPES`, parts missing at random."""

    def make(*names: str, missing: float = 0.3, sizes=(24, 12, 9)) -> MultimodalDataset:
        source = torch.Generator().manual_seed(0)
        known = {"text": {"vocabulary_size": 50}, "letters": {"vocabulary": "abc"}}
        modalities = [Modality(m, *SHAPES[m], **known.get(m, {})) for m in names]

        def side(name: str, n: int) -> Split:
            labels = torch.arange(n) % 3
            inputs = {}
            for m in modalities:
                x = torch.rand(n, *m.shape, generator=source)
                x = x / 2 + labels.view(-1, *[1] * len(m.shape)) / 4
                inputs[m.name] = (x * (m.codes + 0.9)).long() if m.codes else x
            split = Split.complete(name, inputs, labels)
            split.present[:] = torch.rand(len(names), n, generator=source) >= missing
            split.present[0] |= ~split.present.any(0)
            return split

        splits = {
            name: side(name, n) for name, n in zip(("train", "val", "test"), sizes, strict=True)
        }
        return MultimodalDataset("media", modalities, "xyz", splits)

    return make
