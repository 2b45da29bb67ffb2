"""Training as an iterator of sub-steps that can be paused, rewound and forked."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import nn

from mla_core.catalogue import method_class
from mla_core.config import ExperimentConfig
from mla_core.data import MultimodalDataset, load_dataset, shorten
from mla_core.data.samples import Split, fetch, read_ahead
from mla_core.encoders import check_modules
from mla_core.errors import ConfigError, TrainingDivergedError
from mla_core.evaluation import flat_numbers, summarise
from mla_core.fusion import fused_by_rule
from mla_core.methods import Batch, Method, Position
from mla_core.records import Change, Evaluation, History, Moment, Recording, Snapshot, StepRecord
from mla_core.threads import compute_threads


class TrainingSession:
    """One training run that advances when asked to.

    The same configuration gives the same records, bit for bit, however it is driven: stepped,
    played in chunks of time, restored, or run straight through.

    Parameters
    ----------
    config : ExperimentConfig
    data : MultimodalDataset, optional
        Instead of the one that `config` names.
    encoders : mapping of str to Module, optional
        Per modality, a network of your own (B, ...) -> (B, d), any d; the session trains a copy.
        Other modalities have what `config` names.

    Attributes
    ----------
    config : ExperimentConfig
    data : MultimodalDataset
        Less what the configuration takes away.
    method : Method
    guests : list of Origin
        Whose code it runs that is not built in.
    history : History
    step, epoch : int
        Finished sub-steps and epochs.
    last_good : Snapshot
        Taken at every look at the probe set, for the way back after a divergence.
    recording : Recording
        What every look saw, thinned evenly, with the way back to it.
    best : Snapshot or None
        The first among them with the best fused accuracy, where ``stopping="best"`` asks for it;
        None before the first look after the start.

    Examples
    --------
    >>> from mla_core import ExperimentConfig
    >>> config = ExperimentConfig(dataset="gaussian", dataset_options={"sizes": [128, 50, 50]})
    >>> session = TrainingSession(config)
    >>> [record.modality for record in session.advance(steps=3)]
    ['m0', 'm1', 'm2']
    >>> twin = session.fork(head_gradient="off")
    >>> twin.advance(steps=1)[0].plasticity
    1.0
    """

    def __init__(
        self,
        config: ExperimentConfig,
        data: MultimodalDataset | None = None,
        encoders: Mapping[str, nn.Module] | None = None,
    ) -> None:
        self.config = config
        self.guests = config.guests()  # as their code is now
        self.encoders = dict(encoders or {})
        self._whole = (
            load_dataset(config.dataset, **config.data_options()) if data is None else data
        )
        check_modules(self.encoders, self._whole.modalities, config.encoders)
        self.data = data_of(config, self._whole)
        self.method: Method = method_class(config.method)(
            config, self.data.modalities, len(self.data.classes), self.encoders
        )
        # A notebook may look at the session from another cell while a thread trains it.
        self._lock = threading.RLock()
        self.history = History()
        self.step = 0
        self.epoch = 0
        self.best: Snapshot | None = None
        self.recording = Recording()
        self._index = 0
        self._train = read_ahead(self.data.split("train"), self.method.model.kept)
        self._probe = self.data.split("val").probe(config.probe_size)
        _check_trainable(self._train)
        self._plan: list[Batch] = self.method.plan(self._train, 0)
        with compute_threads():
            self._look()

    @property
    def finished(self) -> bool:
        """Whether all epochs are done."""
        return self.epoch >= self.config.epochs

    @property
    def steps_per_epoch(self) -> int:
        """Sub-steps in the current epoch."""
        return len(self._plan)

    @property
    def step_in_epoch(self) -> int:
        """Finished sub-steps of the current epoch."""
        return self._index

    @property
    def progress(self) -> float:
        """Share of the run that is done, from 0 to 1."""
        return min(1.0, (self.epoch + self._index / len(self._plan)) / self.config.epochs)

    @property
    def next_modality(self) -> str | None:
        """The modality of the coming sub-step; None when all learn at once or training is over."""
        return None if self.finished else self._plan[self._index].modality

    @property
    def next_samples(self) -> Split | None:
        """The training samples of the coming sub-step, in its order; None when training is over."""
        return None if self.finished else self._train.subset(self._plan[self._index].indices)

    def __iter__(self) -> Iterator[StepRecord]:
        return self

    def __next__(self) -> StepRecord:
        if self.finished:
            raise StopIteration
        with self._lock, compute_threads():
            if self._index == 0:
                self.method.start_epoch(self._train)
            epoch_progress = self._index / len(self._plan)
            position = Position(
                self.step,
                self.epoch,
                epoch_progress,
                (self.epoch + epoch_progress) / self.config.epochs,
            )
            batch, *coming = self._plan[self._index : self._index + 2]
            with self.method.model.at_step(self.config.seed, self.step):
                for then in coming:
                    fetch(self._train, then.modality, then.indices)
                record = self.method.step(batch, self._train, position)
            self.history.add(record)
            self.step += 1
            self._index += 1
            if self._index == len(self._plan):
                self.epoch += 1
                self._index = 0
                # Also after the last epoch, since more may be asked for.
                self._plan = self.method.plan(self._train, self.epoch)
            every = self.config.evaluate_every
            due = self._index == 0 if every == 0 else self.step % every == 0
            if due or self.epoch >= self.config.epochs:
                self._look()
        return record

    def advance(
        self,
        *,
        steps: int | None = None,
        epochs: int | None = None,
        seconds: float | None = None,
    ) -> list[StepRecord]:
        """Train on, until the first of the given limits or the end.

        Parameters
        ----------
        steps : int, optional
            At most this many sub-steps.
        epochs : int, optional
            At most to the end of this many epochs; 1 means the end of the current one.
        seconds : float, optional
            Until this much time has passed; at least one sub-step is taken.

        Returns
        -------
        list of StepRecord
            The new records.
        """
        start, first, last_epoch = time.monotonic(), self.step, self.epoch + (epochs or 0)
        records: list[StepRecord] = []
        if (steps is not None and steps < 1) or (epochs is not None and epochs < 1):
            return records
        for record in self:
            records.append(record)
            if (
                (steps is not None and self.step - first >= steps)
                or (epochs is not None and self.epoch >= last_epoch)
                or (seconds is not None and time.monotonic() - start >= seconds)
            ):
                break
        return records

    @property
    def probe(self) -> Split:
        """The samples of ``val`` that every look looks at."""
        return self._probe

    def evaluate(self, split: str | Split = "val") -> Evaluation:
        """Return the predictions for a whole split.

        Parameters
        ----------
        split : str or Split
            ``"train"``, ``"val"`` or ``"test"``, or samples that were changed on the way.
        """
        with self._lock, compute_threads():
            return self._evaluation(self.data.split(split) if isinstance(split, str) else split)

    def snapshot(self) -> Snapshot:
        """Return everything that decides how training goes on, and what happened so far."""
        with self._lock:
            return Snapshot(
                self.config,
                self.step,
                self.epoch,
                self._index,
                self.method.state_dict(),
                self.history.copy(),
                self.best,
            )

    def restore(self, snapshot: Snapshot) -> None:
        """Go back (or forth) to a snapshot, its configuration and history included."""
        with self._lock:
            self.config = snapshot.config
            self.method.reconfigure(snapshot.config)
            self.method.load_state_dict(snapshot.tensors)
            self.history = snapshot.history.copy()
            self.step, self.epoch, self._index = snapshot.step, snapshot.epoch, snapshot.index
            self._plan = self.method.plan(self._train, self.epoch)
            if self.history.latest is None:  # a snapshot from disk
                self.look_again()
            self.last_good = snapshot
            self.best = snapshot.best
            self.recording = self.recording.until(snapshot.step)

    def rewind(self) -> None:
        """Go back to `last_good`, but keep the settings that are in force now."""
        live = self.config.live_values()
        self.restore(self.last_good)
        self.reconfigure(**live)

    def fork(self, at: Snapshot | None = None, **changes: Any) -> TrainingSession:
        """Return a second session that goes on from here with some settings changed.

        Parameters
        ----------
        at : Snapshot, optional
            Go on from there instead, for example from ``session.recording.at(step).snapshot``.
        **changes
            Live fields of the configuration, such as ``head_gradient="off"``.
        """
        snapshot = self.snapshot() if at is None else at
        twin = TrainingSession(self.config, self._whole, self.encoders)
        twin.restore(snapshot)
        twin.recording = self.recording.until(snapshot.step)
        twin.reconfigure(**changes)
        return twin

    def reported(self) -> TrainingSession:
        """Return the session whose weights count: itself, or a twin at `best` (see ``stopping``)."""
        if self.best is None:
            return self
        twin = TrainingSession(self.config, self._whole, self.encoders)
        twin.restore(self.best)
        return twin

    def reconfigure(self, **changes: Any) -> None:
        """Change settings from the next sub-step on; the history notes each change.

        Raises
        ------
        ConfigError
            When a field cannot change while a session runs, or its value is out of range; then
            nothing has changed.
        """
        config = self.config.replace(**changes)
        for name, value in changes.items():
            if name not in config.live_fields() and value != getattr(self.config, name):
                msg = f"{name!r} cannot change while a session runs: start a new one"
                raise ConfigError(msg)
        if config.epochs < self.config.epochs and config.epochs <= self.epoch:
            msg = f"epochs must be above the {self.epoch} already trained, not {config.epochs}"
            raise ConfigError(msg)
        with self._lock:
            for name in changes:
                before, after = getattr(self.config, name), getattr(config, name)
                if before != after:
                    self.history.changes.append(Change(self.step, name, before, after))
            self.config = config
            self.method.reconfigure(config)

    def look_again(self) -> None:
        """Show the latest look under the settings that hold now; the curves get no extra point.

        Another fusion rule fuses that look's logits anew, which needs neither encoders nor head.
        """
        with self._lock, compute_threads():
            latest = self.history.latest
            if latest is None:
                latest = self._evaluation(self._probe)
            elif "fusion" in self.method.uses:
                rule = self.config.fusion
                weights, fused = fused_by_rule(rule, latest.logits, latest.present)
                latest = replace(latest, weights=weights, fused=fused)
            self.history.latest = latest

    def _evaluation(self, split: Split) -> Evaluation:
        prediction = self.method.predict(split)
        return Evaluation(
            split=split.name,
            step=self.step,
            epoch=self.epoch,
            modalities=tuple(self.data.modalities),
            ids=split.ids,
            labels=split.labels,
            present=split.present,
            features=prediction.features,
            logits=prediction.logits,
            weights=prediction.weights,
            fused=prediction.fused,
        )

    def _look(self) -> None:
        """Evaluate the probe set, note the numbers, and remember the way back."""
        evaluation = self._evaluation(self._probe)
        if not torch.isfinite(evaluation.fused).all():
            msg = (
                f"training diverged at step {self.step}: predictions for the probe set are not "
                "finite. Try a smaller learning rate."
            )
            raise TrainingDivergedError(msg)
        self.history.latest = evaluation
        numbers = flat_numbers(evaluation, self.config.metrics)
        self.history.summaries.append(replace(summarise(evaluation), numbers=numbers))
        if self.config.stopping == "best" and self.step > 0 and self._is_best(evaluation.accuracy):
            self.best = replace(self.snapshot(), best=None)
        self.last_good = self.snapshot()
        moment = Moment(evaluation, self.last_good)
        self.recording.add(moment, self.history.summaries.indices[-1])

    def _is_best(self, accuracy: float) -> bool:
        return self.best is None or accuracy > self.best.history.summaries[-1].accuracy


def data_of(config: ExperimentConfig, data: MultimodalDataset | None = None) -> MultimodalDataset:
    """Return what a session trains on: the data that `config` names, or `data`, made short of parts.

    Parameters
    ----------
    config : ExperimentConfig
    data : MultimodalDataset, optional
        Whole, instead of the one that `config` names.
    """
    whole = load_dataset(config.dataset, **config.data_options()) if data is None else data
    return shorten(
        whole,
        modalities=config.modalities,
        missing=config.missing,
        label_noise=config.label_noise,
        seed=config.seed,
    )


def _check_trainable(train: Split) -> None:
    """Refuse a modality that no training sample has: it would be fused untrained."""
    able = [name for name in train.inputs if len(train.samples_of(name))]
    for name in train.inputs:
        if name not in able:
            hint = f"leave it out with modalities={able}" if able else "nor any other"
            msg = f"no training sample has the modality {name!r}: {hint}"
            raise ConfigError(msg)
