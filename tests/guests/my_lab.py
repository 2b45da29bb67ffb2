"""One guest of every kind, each as small as it can be."""

import torch
from torch import nn
from torch.nn import functional as F

import mla_core as mla
from mla_core.data.corruption import Corruption
from mla_core.methods import Batch, OneAtATime, Prediction


def sharpest(logits, present):
    """The modality whose largest probability is highest decides alone."""
    sure = torch.softmax(logits, -1).amax(-1).masked_fill(~present, -1.0)  # (M, N)
    return F.one_hot(sure.argmax(0), len(logits)).T.float() * present


def product(logits, present):
    """A product of experts: fused logits, no weights."""
    return (F.log_softmax(logits, -1) * present[..., None]).sum(0)


class Forgetful:
    """Projects the last mean feature out of the gradient, and remembers no other."""

    def __init__(self, dim, alpha):
        self.alpha = alpha
        self.mean = torch.zeros(dim)

    def update(self, features):
        self.mean = features.mean(0)

    def project(self, gradient):
        h = self.mean.to(gradient.dtype)
        return gradient - torch.outer(gradient @ h, h) / (self.alpha + h @ h)

    def state_dict(self):
        return {"mean": self.mean.clone()}

    def load_state_dict(self, state):
        self.mean = state["mean"].clone()


class Patient(OneAtATime):
    """A shared head whose every update is shortened."""

    head = "shared"
    options = {"share": 0.5}
    uses = OneAtATime.uses

    def build_head(self, modalities, n_classes):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.config.seed)
            return nn.Linear(self.feature_size, n_classes)

    def head_of(self, modality):
        return self.model.head

    def move(self, modality, features, position, train):
        self.head_of(modality).weight.grad *= self.option["share"]
        return super().move(modality, features, position, train)


class Counting:
    """The bare protocol: naive class frequencies, the same for whatever it sees."""

    def __init__(self, config, modalities, n_classes):
        self.names, self.size = list(modalities), config.batch_size
        self.counts = torch.ones(n_classes)

    def plan(self, train, epoch):
        return [Batch(None, part) for part in torch.arange(len(train)).split(self.size)]

    def step(self, batch, train, position):
        labels = train.labels[batch.indices]
        logits = self.counts.log().expand(len(labels), -1)
        loss = float(F.cross_entropy(logits, labels))
        self.counts += torch.bincount(labels, minlength=len(self.counts))
        return mla.StepRecord(position.step, position.epoch, None, len(labels), loss, 0.0, 0.0, 0.0)

    def predict(self, split):
        logits = self.counts.log().expand(len(self.names), len(split), -1)
        weights = split.present / split.present.sum(0).clamp_min(1)
        features = torch.zeros(len(self.names), len(split), 2)
        return Prediction(features, logits, weights, logits[0] * split.present.any(0)[:, None])

    def state_dict(self):
        return {"counts": self.counts}

    def load_state_dict(self, state):
        self.counts = state["counts"]


def two_clouds(noise: float = 0.5, seed: int = 0):
    """Two classes, two modalities, a cloud of points for each."""
    draw = torch.Generator().manual_seed(seed)
    labels = torch.arange(120) % 2
    sides = (2.0 * labels - 1)[:, None]
    inputs = {
        name: (sides + noise * torch.randn(120, 4, generator=draw)).numpy()
        for name in ("left", "up")
    }
    return mla.MultimodalDataset.from_arrays(inputs, labels.numpy(), name="two_clouds")


class Wide(nn.Sequential):
    """One broad layer, whatever the modality."""

    def __init__(self, modality):
        size = torch.Size(modality.shape).numel()
        super().__init__(nn.Flatten(), nn.Linear(size, 24), nn.ReLU())


def top_two(evaluation):
    """The share of samples whose class is among the two likeliest."""
    best = evaluation.fused.topk(2, -1).indices
    return float((best == evaluation.labels[:, None]).any(-1).double().mean())


def _darker(x, level, generator, modality, spread):
    return x * (1 - level)


dark = Corruption("dark", "darkness", "share of the light", 0.0, 1.0, _darker, ("image", "vector"))
