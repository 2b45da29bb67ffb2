"""A guest is tried when it is first used, and what is wrong with it is told."""

import pytest

import mla_core as mla
from tests.core.guests import SMALL, config_of, write

FAULTS = {
    "weights of another shape": (
        "fusion",
        "def x(logits, present): return present[0]",
        r"must return weights \(M, N\).*or fused logits \(N, C\)",
    ),
    "weights for absent parts": (
        "fusion",
        "import torch\ndef x(logits, present): return torch.ones(present.shape)",
        "0 where a part is absent",
    ),
    "negative weights": (
        "fusion",
        "def x(logits, present): return -1.0 * present",
        "at least 0",
    ),
    "nan": (
        "fusion",
        "def x(logits, present): return present * float('nan')",
        "finite",
    ),
    "random weights": (
        "fusion",
        "import torch\ndef x(logits, present): return torch.rand(present.shape) * present",
        "the same every time",
    ),
    "logits changed in place": (
        "fusion",
        "def x(logits, present):\n    logits *= 2\n    return present.float()",
        "leave logits and presence as they are",
    ),
    "a rule that raises": (
        "fusion",
        "def x(logits, present): return logits.no_such_thing",
        "fusion '.*:x' does not work on logits.*AttributeError",
    ),
    "no project": (
        "head_gradient",
        "class x:\n    def update(self, features): pass",
        "it lacks project, state_dict, load_state_dict",
    ),
    "a projection of another shape": (
        "head_gradient",
        "from mla_core.head import Variant\n"
        "class x(Variant):\n    def project(self, gradient): return gradient.T",
        r"a tensor \(C, s\) = \(3, 4\)",
    ),
    "a gradient changed in place": (
        "head_gradient",
        "from mla_core.head import Variant\n"
        "class x(Variant):\n    def project(self, gradient): return gradient.mul_(0.5)",
        "leave the gradient itself",
    ),
    "state that is lost": (
        "head_gradient",
        "from mla_core.head import Variant\n"
        "class x(Variant):\n"
        "    seen = 0\n"
        "    def update(self, features): self.seen = self.seen + 1\n"
        "    def project(self, gradient): return gradient / (1 + self.seen)",
        "survive a snapshot",
    ),
    "no class": ("method", "x = 3", "a method must be a class"),
    "half a bare method": ("method", "class x:\n    def plan(self): pass", "lacks step, predict"),
    "an abstract method": (
        "method",
        "from mla_core.methods import OneAtATime\nclass x(OneAtATime): pass",
        "must define build_head, head_of",
    ),
    "a method that draws by itself": (
        "method",
        "import os\nfrom mla_core.methods.ensemble import Ensemble\n"
        "class x(Ensemble):\n"
        "    def move(self, *given):\n"
        "        self.head_of(given[0]).weight.grad *= os.urandom(1)[0] / 100 + 0.1\n"
        "        return super().move(*given)",
        "the same for the same seed",
    ),
    "a method that forgets": (
        "method",
        "from mla_core.methods.ensemble import Ensemble\n"
        "class x(Ensemble):\n"
        "    seen = 1.0\n"
        "    def move(self, *given):\n"
        "        self.seen *= 1.5\n"
        "        self.head_of(given[0]).weight.grad *= self.seen\n"
        "        return super().move(*given)",
        "survive a snapshot",
    ),
    "a number that is none": (
        "metrics",
        "def x(evaluation): return 'good'",
        "must return a number",
    ),
    "a number without an end": (
        "metrics",
        "def x(evaluation): return float('inf')",
        "finite numbers",
    ),
    "no data": ("dataset", "x = 3", "must be a function that returns a MultimodalDataset"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_wrong_with_a_guest_is_told_when_it_is_named(fault, lab):
    field, source, said = FAULTS[fault]
    write(lab, source)
    value = [f"{lab}:x"] if field == "metrics" else f"{lab}:x"
    with pytest.raises(mla.ConfigError, match=f"(?s){lab}.*{said}|{said}"):
        mla.ExperimentConfig(**{field: value})


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("def x(modality): return 3", "must return a torch.nn.Module"),
        ("def x(modality): return 1 / 0", "cannot be built for 'm0'.*ZeroDivisionError"),
        ("import torch\ndef x(modality): return torch.nn.Linear(3, 4)", "cannot read vector"),
        ("import torch\nx = lambda modality: torch.nn.Unflatten(1, (4, 4))", r"features \(B, d\)"),
        (
            "import os, torch\n"
            "def x(modality):\n"
            "    torch.manual_seed(int.from_bytes(os.urandom(3), 'big'))\n"
            "    return torch.nn.Linear(16, 4)",
            "the same for the same seed",
        ),
    ],
)
def test_what_is_wrong_with_an_encoder_is_told_when_it_is_built(source, said, lab):
    write(lab, source)
    config = mla.ExperimentConfig(**SMALL, encoders={"m0": f"{lab}:x"})
    with pytest.raises(mla.ConfigError, match=f"(?s){said}"):
        mla.TrainingSession(config)


def test_a_data_set_of_your_own_must_return_one(lab):
    write(lab, "def x(): return 3")
    config = mla.ExperimentConfig(dataset=f"{lab}:x")
    with pytest.raises(mla.ConfigError, match="must return a MultimodalDataset, not int"):
        mla.TrainingSession(config)


def test_options_of_guests_are_checked_like_any(lab):
    with pytest.raises(mla.ConfigError, match="has no option 'shares'"):
        config_of("method", lab, method_options={"shares": 1.0})
    with pytest.raises(mla.ConfigError, match="has no option 'noisy'"):
        config_of("data", lab, dataset_options={"noisy": 1.0})
