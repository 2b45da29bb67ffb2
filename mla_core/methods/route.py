"""The sub-steps of a run, one after the other: where one stands, and how to take the next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch

from mla_core.config import ExperimentConfig
from mla_core.data.samples import Split, fetch, told_of
from mla_core.errors import ConfigError
from mla_core.methods.base import Method, Position
from mla_core.methods.schedule import Batch
from mla_core.records import History, StepRecord


@dataclass(frozen=True, eq=False)
class Place:
    """Between two sub-steps: one object, so that no other thread sees half a step.

    Attributes
    ----------
    step, epoch : int
        Finished sub-steps and epochs.
    index : int
        Finished sub-steps of the current epoch.
    plan : sequence of Batch
        All sub-steps of the current epoch.
    """

    step: int
    epoch: int
    index: int
    plan: Sequence[Batch]

    @property
    def batch(self) -> Batch:
        """The coming sub-step."""
        return self.plan[self.index]

    def position(self, config: ExperimentConfig) -> Position:
        """Return where the coming sub-step stands in epoch and run; after the end, beyond 1."""
        progress = self.index / len(self.plan)
        return Position(self.step, self.epoch, progress, (self.epoch + progress) / config.epochs)

    def due(self, config: ExperimentConfig) -> bool:
        """Whether the probe set is to be looked at here: every so often, and at the end."""
        every = config.evaluate_every
        often = self.index == 0 if every == 0 else self.step % every == 0
        return often or self.epoch >= config.epochs


class Route:
    """The places of a run, which the configuration decides, and what the method has seen so far.

    Parameters
    ----------
    method : Method
    train, val : Split
        The training samples, and those that things are chosen on.

    Raises
    ------
    ConfigError
        When no training sample has some modality: it would be fused untrained.
    """

    def __init__(self, method: Method, train: Split, val: Split) -> None:
        able = [name for name in train.inputs if len(train.samples_of(name))]
        for name in train.inputs:
            if name not in able:
                hint = f"leave it out with modalities={able}" if able else "nor any other"
                msg = f"no training sample has the modality {name!r}: {hint}"
                raise ConfigError(msg)
        self.val = val
        self.method = method
        self.train = train
        self._round = len(train.inputs) if method.one_at_a_time else 1  # sub-steps

    def describe(self) -> str:
        """Say where a sub-step computes, and how its samples get there."""
        return f"{self.method.model.describe()} Training samples {told_of(self.train)}."

    def at(self, step: int, epoch: int, index: int) -> Place:
        """Return a place by its numbers."""
        return Place(step, epoch, index, self.method.plan(self.train, epoch))

    def after(self, place: Place) -> Place:
        """Return the place behind the coming sub-step; there is one after the last epoch, too."""
        if place.index + 1 < len(place.plan):
            return replace(place, step=place.step + 1, index=place.index + 1)
        return self.at(place.step + 1, place.epoch + 1, 0)

    def take(self, place: Place, config: ExperimentConfig, most: int = 1) -> list[StepRecord]:
        """Let the method take the coming sub-step, or some; see `Method.step` and `Method.steps`.

        At most `most`, up to the next look or the end of the epoch, and each of another modality.
        What the method does behind an epoch is part of its last sub-step.
        """
        records = self._steps(place, config, most)
        if place.index + len(records) == len(place.plan):
            step, epoch = place.step + len(records), place.epoch + 1
            behind = Position(step, epoch, 0.0, epoch / config.epochs)
            passes = self.method.end_epoch(self.train, self.val, behind)
            passes += records[-1].forward_passes
            records[-1] = replace(records[-1], forward_passes=passes)
        return records

    def _steps(self, place: Place, config: ExperimentConfig, most: int) -> list[StepRecord]:
        if place.index == 0:
            self.method.start_epoch(self.train)
        places = self._together(place, config, most)
        end = place.index + len(places)
        # Gradients, too, where a look that was cut off has left them switched off.
        with torch.enable_grad():
            for coming in place.plan[end : end + len(places)]:
                fetch(self.train, coming.modality, coming.indices)
            turns = [(one.batch, one.position(config)) for one in places]
            records = self.method.steps(turns, self.train)
        if self.method.average and self._averages_after(places[len(records) - 1]):
            rounds = config.averaging * len(place.plan) / self._round
            self.method.average.take(self.method.model, rounds)
        return records

    def take_until(
        self, step: int, place: Place, config: ExperimentConfig, history: History
    ) -> Place:
        """Take the sub-steps from a place to another, note them, and return that other place."""
        while place.step < step:
            for record in self.take(place, config, step - place.step):
                history.add(record)
                place = self.after(place)
        return place

    def _averages_after(self, place: Place) -> bool:
        """Whether the weights are averaged behind a sub-step: when a round or the epoch ends there."""
        done = place.index + 1
        ends = done % self._round == 0 or done == len(place.plan)
        return ends and self.method.average is not None

    def _together(self, place: Place, config: ExperimentConfig, most: int) -> list[Place]:
        places = [place]
        if not self.method.takes_several:
            return places
        for batch in place.plan[place.index + 1 :]:
            coming = self.after(places[-1])
            again = any(batch.modality == one.batch.modality for one in places)
            if len(places) == most or again or coming.due(config):
                break
            if self._averages_after(places[-1]):
                break
            places.append(coming)
        return places
