"""A large encoder in the lab: features of the common size, parts kept frozen, features kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable, MutableMapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.weak import WeakIdKeyDictionary

from mla_core.errors import ConfigError

CHUNK = 32  # samples encoded at a time without gradients: what bounds memory


class AdaptedEncoder(nn.Module):
    """(B, ...) -> (B, s): a body that gives features (B, d), and a projection where d is not s.

    A frozen body is no part of the module's state: it is neither trained nor saved, and what it
    makes of a sample never changes, so that it is computed once.

    Parameters
    ----------
    body : Module
        (B, ...) -> (B, d). It is frozen when it has nothing that can be trained.
    projection : Module
        (B, d) -> (B, s).
    size : int
        s.

    Examples
    --------
    >>> encoder = AdaptedEncoder(nn.Flatten(), nn.Linear(4, 3), 3)
    >>> encoder(torch.zeros(2, 1, 2, 2)).shape, encoder.frozen
    (torch.Size([2, 3]), True)
    """

    def __init__(self, body: nn.Module, projection: nn.Module, size: int) -> None:
        super().__init__()
        self.size = size
        self.frozen = not any(p.requires_grad for p in body.parameters())
        self.projection = projection
        if self.frozen:
            self._held = (body.eval(),)  # in a tuple, torch does not see it
        else:
            self.body = body
            self._still = tuple(_frozen_parts(body))
        self.train(self.training)

    @property
    def held(self) -> nn.Module | None:
        """The frozen body, which copies of this encoder may share."""
        return self._held[0] if self.frozen else None

    def train(self, mode: bool = True) -> AdaptedEncoder:
        """Switch training on or off; frozen parts neither drop out nor take in statistics."""
        super().train(mode)
        if not self.frozen:
            for module in self._still:
                module.eval()
        return self

    def move(self, device: torch.device) -> None:
        """Move to a device, the frozen body included."""
        self.to(device)
        if self.frozen:
            self._held[0].to(device)

    def forward(self, x: Tensor) -> Tensor:
        """Encode a batch."""
        if self.frozen:
            return self.project(self.observe(x))
        if self.training and len(x) == 1:  # one sample has no statistics of its own
            self.eval()
            try:
                return self.project(self.body(x))
            finally:
                self.train()
        return self.project(self.body(x))

    def project(self, features: Tensor) -> Tensor:
        """Bring features (B, d) to the common size (B, s)."""
        projected: Tensor = self.projection(features)
        return projected

    @torch.no_grad()
    def observe(self, x: Tensor) -> Tensor:
        """Return what a frozen body makes of a batch (B, d)."""
        features: Tensor = self._held[0](x)
        return features

    def observed(self, column: Any, observe: Callable[[Tensor], Tensor]) -> Tensor:
        """Return the frozen body's features (N, d) of a whole column, computed once.

        Parameters
        ----------
        column : Tensor or like one
            (N, ...), as a split holds it. Kept features live as long as the column and the body,
            and serve every session that has both.
        observe : callable
            `observe`, on the right device.
        """
        return _observed(self._held[0], column, observe)


def sparsely(encode: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """Return `encode` of a batch whose absent parts, all zeros, are encoded only once.

    Examples
    --------
    >>> sizes = []
    >>> def encode(x):
    ...     sizes.append(len(x))
    ...     return x + 1
    >>> sparsely(encode, torch.tensor([[0.0], [5.0], [0.0], [0.0]])).flatten().tolist(), sizes
    ([1.0, 6.0, 1.0, 1.0], [1, 1])
    """
    filled = x.flatten(1).any(1)  # (B,)
    if len(x) - int(filled.sum()) < 2:
        return encode(x)
    blank = encode(x[~filled][:1])
    features = blank.expand(len(x), *blank.shape[1:]).clone()
    if filled.any():
        features[filled] = encode(x[filled])
    return features


def train_parts(body: nn.Module, mode: str, blocks: Iterable[nn.Module], layers: int) -> None:
    """Say what of a body is trained: all, its last blocks and what follows them, or nothing.

    Parameters
    ----------
    body : Module
        Its parameters are registered in the order in which they are used.
    mode : {"full", "last", "frozen"}
    blocks : iterable of Module
        In order.
    layers : int
        How many of the blocks ``last`` trains.

    Raises
    ------
    ConfigError
        When there are not that many.

    Examples
    --------
    >>> body = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2), nn.LayerNorm(2))
    >>> train_parts(body, "last", body[:2], 1)
    >>> [name for name, p in body.named_parameters() if p.requires_grad]
    ['1.weight', '1.bias', '2.weight', '2.bias']
    """
    body.requires_grad_(mode == "full")
    if mode != "last":
        return
    found = list(blocks)
    if layers > len(found):
        msg = f"layers must be at most {len(found)}, as many as the encoder has, not {layers}"
        raise ConfigError(msg)
    first = {id(p) for p in found[-layers].parameters()}
    reached = False
    for parameter in body.parameters():
        reached |= id(parameter) in first
        parameter.requires_grad_(reached)


def _frozen_parts(body: nn.Module) -> Iterable[nn.Module]:
    for module in body.modules():
        own = list(module.parameters())
        if own and not any(p.requires_grad for p in own):
            yield module


# Body -> column -> the body's version when it was asked, and the features. By identity, since tensors
# cannot be compared, and gone with either of the two.
_KEPT: MutableMapping[nn.Module, MutableMapping[Any, tuple[int, Tensor]]] = WeakIdKeyDictionary()


def _observed(body: nn.Module, column: Any, observe: Callable[[Tensor], Tensor]) -> Tensor:
    # A body changed in place from outside has another version.
    version = sum(t._version for t in (*body.parameters(), *body.buffers()))  # noqa: SLF001
    columns = _KEPT.setdefault(body, WeakIdKeyDictionary())
    if column not in columns or columns[column][0] != version:
        parts = [sparsely(observe, part) for part in column.split(CHUNK)]
        columns[column] = version, torch.cat(parts)
    return columns[column][1]
