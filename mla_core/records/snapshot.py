"""A session at one moment: what decides how training goes on, and what happened so far."""

from __future__ import annotations

from dataclasses import dataclass, fields

from torch import Tensor

from mla_core.config import ExperimentConfig
from mla_core.errors import ConfigError, quoted
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

    @staticmethod
    def check_fits(snapshot: object, config: ExperimentConfig) -> None:
        """Raise `ConfigError` unless this is a snapshot from which such a session can go on.

        Parameters
        ----------
        snapshot : object
        config : ExperimentConfig
            Its live fields may differ.
        """
        if not isinstance(snapshot, Snapshot):
            msg = (
                f"a snapshot must be what TrainingSession.snapshot returns, not {quoted(snapshot)}"
            )
            raise ConfigError(msg)
        for name in [f.name for f in fields(config) if f.name not in config.live_fields()]:
            theirs, ours = getattr(snapshot.config, name), getattr(config, name)
            if theirs != ours:
                msg = (
                    f"the snapshot is of a session with {name}={theirs!r}, but here it is {ours!r}: "
                    "make a session with the snapshot's configuration"
                )
                raise ConfigError(msg)
