"""What a method can show of itself while it trains: curves of its own, for whoever watches them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from mla_core.data.samples import Split
from mla_core.errors import ConfigError
from mla_core.language import later
from mla_core.methods.schedule import Batch
from mla_core.methods.shapley import shapley_values, subset_accuracies

MOST_PLAYERS = 10  # of whom all subsets are asked


@dataclass(frozen=True, eq=False)
class Sight:
    """What an instrument may look at when the probe set is looked at.

    Attributes
    ----------
    train, probe : Split
    plan : sequence of Batch
        The sub-steps of the epoch at hand, or between two epochs of the coming one.
    """

    train: Split
    probe: Split
    plan: Sequence[Batch]


@dataclass(frozen=True)
class Instrument:
    """A few curves that a method has, in one panel; nothing is computed for them until they are asked for.

    Attributes
    ----------
    title : str
        Of the panel, with the unit if there is one.
    meaning : str
        A sentence that says what is shown, and how to read it.
    read : callable, optional
        ``(method, sight)`` to the values (K,), called at every look at the probe set. It changes
        nothing. Without it the method hands in values as it trains, with `Method.note`.
    each : bool
        Whether there is a line for each modality.
    lines : tuple of str
        Lines beside these.

    Examples
    --------
    >>> Instrument("Weight of a loss", "w_m.", lines=("fused",)).names(["image", "audio"])
    ('image', 'audio', 'fused')
    """

    title: str
    meaning: str
    read: Callable[[Any, Sight], Tensor] | None = None
    each: bool = True
    lines: tuple[str, ...] = ()

    def names(self, modalities: Sequence[str]) -> tuple[str, ...]:
        """Return the names of its K lines."""
        return (*(modalities if self.each else ()), *self.lines)


def readings(method: Any, name: str, values: Tensor) -> dict[str, float]:
    """Return what a record keeps of an instrument's values, under ``"name.line"``.

    Parameters
    ----------
    method : Method
    name : str
        Of one of its instruments.
    values : Tensor
        (K,). One that is not finite, such as that of a modality that nobody has, is no point.

    Raises
    ------
    ConfigError
        When there are more or fewer values than lines.
    """
    lines = method.instruments[name].names(method.modalities)
    found = torch.as_tensor(values, dtype=torch.float64).flatten().tolist()
    if len(found) != len(lines):
        msg = (
            f"instrument {name!r} of method {method.config.method!r} needs {len(lines)} values, one "
            f"each for {', '.join(lines)}, but was given {len(found)}"
        )
        raise ConfigError(msg)
    return {
        f"{name}.{line}": value
        for line, value in zip(lines, found, strict=True)
        if math.isfinite(value)
    }


def looked_at(method: Any, sight: Sight) -> dict[str, float]:
    """Return what the instruments read that are watched and look for themselves."""
    found: dict[str, float] = {}
    for name in method.config.instruments:
        read = method.instruments[name].read
        if read is not None:
            found |= readings(method, name, read(method, sight))
    return found


# -------------------------------------------------------------------------- those that every method has


def budget(method: Any, sight: Sight) -> Tensor:
    """Return the share of an epoch's parts that is of each modality (M,)."""
    counts = torch.zeros(len(method.modalities), dtype=torch.float64)
    for batch in sight.plan:
        if batch.modality is not None:
            counts[method.modalities.index(batch.modality)] += len(batch.indices)
            continue
        parts = method.counted(sight.train.present[:, batch.indices])
        counts += (parts if batch.kept is None else parts & batch.kept).sum(1)
    return counts / counts.sum()


@torch.no_grad()
def contributions(method: Any, sight: Sight) -> Tensor:
    """Return the samples' mean Shapley values (M,), those of fused accuracy on the probe set."""
    m = len(method.modalities)
    if m > MOST_PLAYERS:
        return torch.full((m,), torch.nan)
    found = shapley_values(subset_accuracies(method, sight.probe))
    return torch.tensor([found[name] for name in method.modalities], dtype=torch.float64)


EVERY_METHOD = {
    "budget": Instrument(
        later("Budget (share of an epoch)"),
        later("How many of the parts that an epoch trains on are of each modality."),
        budget,
    ),
    "shapley": Instrument(
        later("Shapley value (accuracy)"),
        later(
            "What a modality adds to a sample's fused answer, over all subsets of the others, in "
            "the mean over the probe set. Together they are accuracy above chance. Up to ten "
            "modalities."
        ),
        contributions,
    ),
}
