"""Where encoders compute, and how precisely."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cache

import torch

from mla_core.errors import ConfigError

DEVICES = ("auto", "cpu", "cuda", "mps")
CPU = torch.device("cpu")
PRECISIONS = ("auto", "float32", "bfloat16")


@dataclass(frozen=True)
class Placement:
    """A device and the type of numbers that encoders compute with.

    Attributes
    ----------
    device : torch.device
    dtype : torch.dtype
        float32, or bfloat16 for mixed precision: weights and features stay float32.
    """

    device: torch.device = CPU
    dtype: torch.dtype = torch.float32

    def __str__(self) -> str:
        return f"{self.device.type!r} in {str(self.dtype).removeprefix('torch.')}"

    @property
    def plain(self) -> bool:
        """Whether nothing has to be moved or converted."""
        return self == Placement()

    def autocast(self, *, cached: bool = True) -> AbstractContextManager[object]:
        """Give the context in which an encoder runs; `cached`: a weight is converted once in it."""
        if self.dtype == torch.float32:
            return nullcontext()
        return torch.autocast(self.device.type, dtype=self.dtype, cache_enabled=cached)


def available_devices() -> list[str]:
    """Return the kinds of device that this machine has.

    Examples
    --------
    >>> available_devices()[0]
    'cpu'
    """
    found = ["cpu"]
    if torch.cuda.is_available():
        found.append("cuda")
    if torch.backends.mps.is_available():
        found.append("mps")
    return found


def place(device: str, precision: str, *, large: bool) -> Placement:
    """Return where encoders compute.

    Parameters
    ----------
    device : {"auto", "cpu", "cuda", "mps"}
        ``auto`` takes a GPU where there is one and an encoder is large; the small built-in ones
        are faster on the CPU, and give the same numbers on every machine there.
    precision : {"auto", "float32", "bfloat16"}
        ``auto`` means bfloat16 on CUDA devices that compute with it, else float32.
    large : bool
        Whether some encoder is more than a small built-in one.

    Raises
    ------
    ConfigError
        When this machine has no such device.

    Examples
    --------
    >>> place("auto", "auto", large=False)
    Placement(device=device(type='cpu'), dtype=torch.float32)
    """
    found = available_devices()
    kind = (found[-1] if large else "cpu") if device == "auto" else device
    if kind not in found:
        msg = f"device={device!r}, but this machine has {' and '.join(found)}: use 'auto'"
        raise ConfigError(msg)
    mixed = precision == "bfloat16"
    if kind == "cuda":
        # The same seed must give the same numbers, so no kernel is chosen by a race.
        torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = True, False
        _open_backwards()
        mixed |= precision == "auto" and large and torch.cuda.is_bf16_supported()
    return Placement(torch.device(kind), torch.bfloat16 if mixed else torch.float32)


@cache
def _open_backwards() -> None:
    """Let torch's thread for gradients meet the GPU with a kernel that is not cuBLAS's.

    A thread has no CUDA context before its first kernel. Where that is a matrix product, as for
    features that a linear layer gives, torch warns and helps itself to the first GPU's.
    """
    with torch.enable_grad():
        torch.ones(1, device="cuda", requires_grad=True).exp().backward()
