"""A session at one moment: what decides how training goes on, and what happened so far."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from mla_core.config import ExperimentConfig
from mla_core.records.history import History


@dataclass(frozen=True, eq=False)
class Snapshot:
    """A session at one moment: time travel, forks and crash recovery all use it.

    Random numbers need no place here: they are drawn by name from the seed and the position.
    """

    config: ExperimentConfig
    step: int
    epoch: int
    index: int
    tensors: dict[str, Tensor]
    history: History
    best: Snapshot | None = None
