"""An encoder's way there and back as CUDA graphs: its kernels start together, not one by one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor, nn

from mla_core.encoders.placement import Placement
from mla_core.seeding import drawing_alone
from mla_core.threads import CAPTURING


class CapturedEncoder:
    """Encodes batches of one size by CUDA graphs, and all other batches as the encoder does.

    The second training batch of a size is the one that is captured, so that a smaller last batch
    is not. First of all the graphs must give what the encoder gives, bit for bit: features,
    gradients, and the statistics that it took in. Where they do not, or where a layer cannot be
    captured, the encoder goes on without, and `told` says why.

    Parameters
    ----------
    encoder : Module
        (B, ...) -> (B, s), on a GPU, in training. Its weights change in place alone.
    placement : Placement
        Where it computes, and how precisely.

    Attributes
    ----------
    told : str
        What became of it, as part of a sentence.

    Notes
    -----
    By `torch.cuda.make_graphed_callables`: a replay overwrites what the last one gave, so that
    features are copied before they are handed on, and gradients count until the next way back.
    """

    def __init__(self, encoder: nn.Module, placement: Placement) -> None:
        self.told = "waits for two batches of one size"
        self._encoder = encoder
        self._way = _Way(encoder, placement)
        self._shapes: set[torch.Size] = set()
        self._graph: Callable[[Tensor], Tensor] | None = None
        self._places: list[int] = []  # where in memory the graph finds its numbers
        self._size = torch.Size()  # of the batches that it takes
        self._decided = False

    def __call__(self, x: Tensor) -> Tensor:
        """Return the features (B, s) of a batch, float32, and let gradients find their way back."""
        plain: Callable[[Tensor], Tensor] = self._way
        if not self._encoder.training or not torch.is_grad_enabled() or _watched(self._encoder):
            return plain(x)
        if not self._decided and x.shape in self._shapes:
            self._decided = True
            self._capture(x)
        self._shapes.add(x.shape)
        if self._graph is not None and self._places != _places(self._encoder):
            self._graph, self.told = None, "without a graph, since its weights are elsewhere now"
        if self._graph is None or x.shape != self._size:
            return plain(x)
        return self._graph(x).clone()

    def _capture(self, x: Tensor) -> None:
        with CAPTURING:
            before = [(b, b.clone()) for b in self._encoder.buffers()]
            try:
                wanted = self._tried(self._way, x, before)
                graph = _graphed(self._way, x)
                got = self._tried(graph, x, before)
            except (RuntimeError, AssertionError) as error:  # whatever torch cannot capture
                self.told = f"without a graph ({str(error).partition(chr(10))[0]})"
                return
            finally:
                for buffer, was in before:
                    buffer.copy_(was)
        if not all(_equal(*pair) for pair in zip(wanted, got, strict=True)):
            self.told = "without a graph, which gives other bits"
            return
        self._graph, self._size, self._places = graph, x.shape, _places(self._encoder)
        self.told = f"captured for batches of {len(x)}"

    def _tried(
        self, way: Callable[[Tensor], Tensor], x: Tensor, before: Sequence[tuple[Tensor, Tensor]]
    ) -> list[Tensor | None]:
        """Return features, gradients and statistics of one way there and back, as copies."""
        for buffer, was in before:
            buffer.copy_(was)
        trained = [p for p in self._encoder.parameters() if p.requires_grad]
        with drawing_alone([x.device] if x.device.type == "cuda" else []):
            features = way(x)
            pull = torch.linspace(-1, 1, features.numel(), device=features.device)
            gradients = torch.autograd.grad(
                features, trained, pull.view_as(features), allow_unused=True
            )
        found = [features, *gradients, *(buffer for buffer, _ in before)]
        return [None if one is None else one.detach().clone() for one in found]


def describe_captured(encoders: Mapping[str, CapturedEncoder]) -> str:
    """Say of each encoder whether its kernels are captured, in a sentence.

    Examples
    --------
    >>> describe_captured({})
    'No CUDA graph is captured.'
    """
    if not encoders:
        return "No CUDA graph is captured."
    return f"CUDA graphs: {', '.join(f'{name} {one.told}' for name, one in encoders.items())}."


class _Way(nn.Module):
    """An encoder with the context in which it computes; float32 comes out."""

    def __init__(self, encoder: nn.Module, placement: Placement) -> None:
        super().__init__()
        self.encoder = encoder
        self.placement = placement

    def forward(self, x: Tensor) -> Tensor:
        with self.placement.autocast(cached=False):  # as graphs want it
            features: Tensor = self.encoder(x)
        return features.float()


def _graphed(way: _Way, x: Tensor) -> Callable[[Tensor], Tensor]:
    """Return the graphs; they take the place of `forward` in a module made for them."""
    graphed = _Way(way.encoder, way.placement)
    with drawing_alone([x.device] if x.device.type == "cuda" else []):
        torch.cuda.make_graphed_callables(graphed, (x.clone(),), allow_unused_input=True)
    return graphed


def _places(encoder: nn.Module) -> list[int]:
    """Return where in memory its numbers are: a graph works on those that it was captured with."""
    return [one.data_ptr() for one in (*encoder.parameters(), *encoder.buffers())]


def _watched(encoder: nn.Module) -> bool:
    """Whether anybody waits in a hook, which a graph would pass by."""
    return any(
        one._forward_hooks or one._forward_pre_hooks or one._backward_hooks  # noqa: SLF001 - no other
        for one in encoder.modules()
    )


def _equal(one: Tensor | None, other: Tensor | None) -> bool:
    if one is None or other is None:
        return one is other
    return torch.equal(one, other)
