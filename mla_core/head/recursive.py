"""The matrix P of eq. 5, so that an update does not have to rewrite all of it."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

BLOCK = 32  # updates that are kept apart before P takes them in together
SMALL = 256  # features up to which rewriting P costs less than keeping anything apart


class RecursiveInverse:
    """P (s, s) by recursive least squares, the identity at first; float64.

    With a mean feature h, eq. 5 reads ``P <- P - u u^T``, ``u = P h / sqrt(alpha + h^T P h)``. P is
    memory-bound: at s = 512 each such update reads and writes 4 MB. So P is kept as
    ``base - sum u u^T`` with the latest u beside a base that takes in `BLOCK` of them at once.

    Parameters
    ----------
    dim : int
        s.

    Notes
    -----
    float64, since in float32 the eigenvalues, which fall towards 1e-7 in a few thousand updates,
    drown in rounding errors and P stops being positive definite.

    Examples
    --------
    >>> P = RecursiveInverse(2)
    >>> P.take_in(torch.tensor([3.0, 0.0], dtype=torch.float64), alpha=1.0)
    >>> P.matrix().tolist(), P.times(torch.ones(1, 2)).tolist()
    ([[0.1..., 0.0], [0.0, 1.0]], [[0.1..., 1.0]])
    """

    def __init__(self, dim: int) -> None:
        self._base = torch.eye(dim, dtype=torch.float64)
        self._recent = torch.zeros(1 if dim <= SMALL else BLOCK, dim, dtype=torch.float64)
        self._count = 0  # of those that the base has not taken in
        self._lost: float | Tensor = 0.0  # their traces' sum
        self._waits = True  # for the numbers that an update computes with
        self._cast: Tensor | None = None  # the base in the type of gradients
        self._cast_is_old = True

    @property
    def device(self) -> torch.device:
        """Where P is."""
        return self._base.device

    def to(self, device: torch.device) -> None:
        """Compute on a device from now on, without waiting there for any number."""
        self._waits = False
        self._base, self._recent = self._base.to(device), self._recent.to(device)
        self._cast, self._cast_is_old = None, True

    @property
    def trace_there(self) -> Tensor:
        """The sum of P's eigenvalues, where P is."""
        return self._base.trace() - self._lost

    @property
    def trace(self) -> float:
        """The same, read."""
        return float(self.trace_there)

    def matrix(self) -> Tensor:
        """Return P itself, symmetric to the last bit; not to be changed in place."""
        if not self._count:
            return self._base
        recent = self._recent[: self._count]
        return _symmetric(torch.addmm(self._base, recent.T, recent, alpha=-1))

    def take_in(self, mean: Tensor, alpha: float) -> None:
        """Update P with a mean feature (s,), float64 (eq. 5)."""
        k, count = self._base @ mean, self._count  # (s,)
        if count:
            recent = self._recent[:count]
            k.addmv_(recent.T, recent @ mean, alpha=-1)
        u = k.mul_(self._read(alpha + mean @ k) ** -0.5)
        if len(self._recent) == 1:
            # u u^T is symmetric to the last bit, q h^T P is not; nor is addr_ for every size s.
            self._base.addcmul_(u[:, None], u[None], value=-1)
            self._cast_is_old = True
            return
        self._recent[count] = u
        self._count, self._lost = count + 1, self._lost + self._read(u @ u)
        if self._count == len(self._recent):
            self._base = _symmetric(self._base.addmm_(self._recent.T, self._recent, alpha=-1))
            self._count, self._lost, self._cast_is_old = 0, 0.0, True

    def times(self, gradient: Tensor) -> Tensor:
        """Return ``G P`` for G (C, s), in its type."""
        if self._cast is None or self._cast.dtype != gradient.dtype:
            self._cast, self._cast_is_old = torch.empty_like(self._base, dtype=gradient.dtype), True
        if self._cast_is_old:  # in the same place, since allocating costs more than copying
            self._cast.copy_(self._base)
            self._cast_is_old = False
        product = gradient @ self._cast
        if self._count:
            recent = self._recent[: self._count].to(gradient.dtype)
            product.addmm_(gradient @ recent.T, recent, alpha=-1)
        return product

    def state_dict(self) -> dict[str, Tensor]:
        """Return copies of the base and of what it has not taken in yet."""
        kept = {"P": self._base} | ({"recent": self._recent[: self._count]} if self._count else {})
        return {name: x.to("cpu", copy=True) for name, x in kept.items()}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take both back; training goes on bit for bit."""
        self._base, self._cast_is_old = state["P"].to(self.device, copy=True), True
        recent = state.get("recent", self._recent[:0])
        self._recent[: len(recent)] = recent
        self._count, self._lost = len(recent), 0.0
        for u in self._recent[: self._count]:
            self._lost = self._lost + self._read(u @ u)

    def _read(self, number: Tensor) -> float | Tensor:
        return float(number) if self._waits else number


def _symmetric(matrix: Tensor) -> Tensor:
    """Return what is symmetric to the last bit; a product of matrices is on some processors only."""
    return (matrix + matrix.T).div_(2)
