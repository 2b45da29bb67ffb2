"""CUDA graphs around encoders. No GPU here: `torch.cuda.make_graphed_callables` has a stand-in that
keeps what matters of it: buffers that every replay overwrites, and warm-ups that leave traces."""

import pytest
import torch
from torch import nn

from mla_core import TrainingSession
from mla_core.encoders import CapturedEncoder, Placement, describe_captured
from mla_core.encoders.placement import available_devices

PLACES = [Placement(torch.device(device)) for device in available_devices() if device != "mps"]


class Replay(torch.autograd.Function):
    @staticmethod
    def forward(ctx, graph, x, *parameters):
        graph.x.copy_(x)
        with torch.enable_grad():
            graph.made = graph.run(graph.x)
        graph.features.copy_(graph.made.detach() + Graph.off)
        ctx.graph, ctx.parameters = graph, parameters
        return graph.features.detach()

    @staticmethod
    def backward(ctx, pull):
        graph = ctx.graph
        trained = [p for p in ctx.parameters if p.requires_grad]
        found = iter(torch.autograd.grad(graph.made, trained, pull, allow_unused=True))
        for p in trained:
            new = next(found)
            if new is not None:
                graph.gradients.setdefault(p, torch.zeros_like(p)).copy_(new)
        return None, None, *(graph.gradients.get(p) for p in ctx.parameters)


class Graph:
    """Computes what it was made of anew in every replay, in buffers of its own."""

    replays = 0
    off = 0.0

    def __init__(self, module, x):
        self.run, self.x, self.gradients = module.forward, x, {}
        self.parameters = tuple(module.parameters())
        for _ in range(3):
            self.features = self.run(x).detach().clone()

    def __call__(self, x):
        Graph.replays += 1
        return Replay.apply(self, x, *self.parameters)


@pytest.fixture
def graphs(monkeypatch):
    def make(module, sample_args, *, allow_unused_input):
        assert not torch.is_autocast_enabled("cpu")
        module.forward = Graph(module, *sample_args)
        return module

    Graph.replays, Graph.off = 0, 0.0
    monkeypatch.setattr(torch.cuda, "make_graphed_callables", make)
    return Graph


def network():
    """Return (B, 5) -> (B, 8): by chance, with statistics, and with a weight that nobody uses."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        body = nn.Sequential(nn.Linear(5, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.3))
    body.unused = nn.Parameter(torch.zeros(3))
    return body


def step(way, encoder, x):
    encoder.zero_grad()
    torch.manual_seed(7)
    features = way(x)
    (features * torch.arange(8.0, device=features.device)).sum().backward()
    grads = {name: p.grad.clone() for name, p in encoder.named_parameters() if p.grad is not None}
    with torch.no_grad():
        for name, grad in grads.items():
            encoder.get_parameter(name).sub_(grad, alpha=0.1)
    return features, grads, {name: b.clone() for name, b in encoder.named_buffers()}


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_every_batch_gives_what_the_encoder_gives(dtype, graphs):
    placement = Placement(dtype=dtype)
    plain, encoder = network(), network()
    captured = CapturedEncoder(encoder, placement)

    def as_always(x):
        with placement.autocast():
            return plain(x).float()

    drawn = torch.Generator().manual_seed(1)
    kept = []
    for n in (6, 6, 6, 4, 6, 6, 4, 4):
        x = torch.randn(n, 5, generator=drawn)
        wanted, got = step(as_always, plain, x), step(captured, encoder, x)
        torch.testing.assert_close(got, wanted, rtol=0, atol=0)
        kept.append((got[0], wanted[0]))
    # One replay to compare, then the second, third, fifth and sixth batch.
    assert graphs.replays == 1 + 4
    assert captured.told == "captured for batches of 6"
    for features, wanted in kept:  # no later replay has overwritten them
        assert torch.equal(features, wanted)


def ready(encoder, placement=None):
    captured = CapturedEncoder(encoder, placement or Placement())
    for _ in range(2):
        captured(torch.ones(4, 5))
    return captured


def test_a_look_a_hook_and_weights_elsewhere_go_by_the_encoder(graphs):
    encoder = network()
    captured = ready(encoder)
    before = graphs.replays
    with torch.no_grad():
        captured(torch.ones(4, 5))
    encoder.eval()
    captured(torch.ones(4, 5))
    encoder.train()
    seen = []
    handle = encoder[2].register_forward_hook(lambda *told: seen.append(told))
    captured(torch.ones(4, 5))
    handle.remove()
    assert len(seen) == 1
    assert graphs.replays == before
    captured(torch.ones(4, 5))
    assert graphs.replays == before + 1
    encoder[0].weight.data = encoder[0].weight.data.clone()
    captured(torch.ones(4, 5))
    assert graphs.replays == before + 1
    assert captured.told == "without a graph, since its weights are elsewhere now"


def test_a_graph_that_gives_other_bits_is_not_used(graphs):
    graphs.off = 1e-6
    encoder = network()
    before = {name: b.clone() for name, b in encoder.named_buffers()}
    captured = CapturedEncoder(encoder, Placement())
    captured(torch.ones(4, 5))
    assert captured.told == "waits for two batches of one size"
    for _ in range(3):
        captured(torch.ones(4, 5))
    assert graphs.replays == 1
    assert captured.told == "without a graph, which gives other bits"
    assert int(encoder[1].num_batches_tracked) == int(before["1.num_batches_tracked"]) + 4


def test_a_layer_that_cannot_be_captured_is_told(monkeypatch):
    def refuse(*_, **__):
        raise RuntimeError("operation not permitted when stream is capturing\nDetails: none")

    monkeypatch.setattr(torch.cuda, "make_graphed_callables", refuse)
    captured = ready(network())
    assert describe_captured(
        {"image": captured, "text": CapturedEncoder(network(), Placement())}
    ) == (
        "CUDA graphs: image without a graph (operation not permitted when stream is capturing), "
        "text waits for two batches of one size."
    )


def by_chance():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return nn.Sequential(nn.Linear(5, 8), nn.BatchNorm1d(8), nn.Dropout(0.5))


@pytest.mark.parametrize("method", ["mla", "ensemble"])
def test_a_session_with_graphs_takes_the_same_sub_steps(method, tiny, assert_same, graphs):
    config = tiny(method=method, head_device="same", missing={"train": 0.7})
    own = {name: by_chance() for name in ("m0", "m1")}
    plain, fast = (TrainingSession(config, encoders=own) for _ in range(2))
    fast.method.model.capture()
    list(plain)
    fast.advance(steps=5)
    middle = fast.snapshot()
    list(fast)
    assert graphs.replays > 6
    assert_same(fast, plain)
    assert "m0 captured for batches of" in fast.describe()
    fast.restore(middle)
    list(fast)
    assert_same(fast, plain)


@pytest.mark.parametrize("place", [place for place in PLACES if place.device.type == "cuda"])
def test_a_gpu_gives_the_same_with_graphs(place):
    plain, encoder = network().to(place.device), network().to(place.device)
    captured = CapturedEncoder(encoder, place)
    for n in (6, 6, 6, 4, 6):
        x = torch.randn(n, 5, generator=torch.Generator().manual_seed(n)).to(place.device)
        wanted, got = step(plain, plain, x), step(captured, encoder, x)
        torch.testing.assert_close(got, wanted, rtol=0, atol=0)
    assert captured.told.startswith(("captured for batches of 6", "without a graph"))
