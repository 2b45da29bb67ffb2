"""Training as an iterator of sub-steps that can be paused, rewound and forked."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from torch import nn

from mla_core.catalogue import method_class
from mla_core.config import ExperimentConfig
from mla_core.data import MultimodalDataset
from mla_core.data.samples import Split, read_ahead
from mla_core.encoders import check_modules
from mla_core.errors import ConfigError, TrainingDivergedError
from mla_core.evaluation import is_better, summary_of
from mla_core.fusion import fused_by_rule
from mla_core.limits import Limits
from mla_core.methods import Method, Place, Prediction, Route, Sight, load_state
from mla_core.named_data import check_given, data_of, whole_data_of
from mla_core.records import Change, Evaluation, History, Moment, Recording, Snapshot, StepRecord
from mla_core.references import from_elsewhere
from mla_core.threads import compute_threads, uninterrupted


class TrainingSession:
    """One training run that advances when asked to.

    The same configuration gives the same records, bit for bit, however it is driven: stepped,
    played in chunks of time, restored, or run straight through. A sub-step counts whole or not at
    all: Ctrl-C waits for the end of one, whatever else cuts one off undoes it. Threads take turns.

    Parameters
    ----------
    config : ExperimentConfig
    data : MultimodalDataset, optional
        Instead of the one that `config` names.
    encoders : mapping of str to Module, optional
        Per modality, a network of your own (B, ...) -> (B, d), any d, of which it trains a copy.
    at : Snapshot, optional
        Begin there, instead of with a look at the untrained network.

    Attributes
    ----------
    config : ExperimentConfig
    data : MultimodalDataset
        Less what the configuration takes away.
    probe : Split
        The samples of ``val`` that every look looks at.
    method : Method
    guests : list of Origin
        Whose code it runs that is not built in.
    history : History
    last_good : Snapshot
        Taken at every look at the probe set, for the way back after a divergence.
    recording : Recording
        What every look saw, thinned evenly, with the way back to it.
    best : Snapshot or None
        The best of them, where ``stopping`` asks for one; None before the first after the start.

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
        at: Snapshot | None = None,
    ) -> None:
        check_given(config, data)
        self.config = config
        self.guests = config.guests()  # as their code is now
        self._whole = whole_data_of(config) if data is None else data
        check_modules(encoders or {}, self._whole.modalities, config.encoders)
        self.encoders = dict(encoders or {})
        self.data = data_of(config, self._whole)
        self.method: Method = method_class(config.method)(
            config, self.data.modalities, len(self.data.classes), self.encoders
        )
        # A notebook may look at the session from another cell while a thread trains it.
        self._lock = threading.RLock()
        self._cut_off = False  # in the middle of a sub-step: the method's tensors are neither-nor
        self.history = History()
        self.best: Snapshot | None = None
        self.recording = Recording()
        train, model = self.data.split("train"), self.method.model
        ahead = read_ahead(train, model.kept, model.sends_to)
        self._route = Route(self.method, ahead, self.data.split("val"))
        self._place = self._route.at(0, 0, 0)
        self.probe = self.data.split("val").probe(config.probe_size)
        with compute_threads():
            if at is None:
                self._look(self._place)
            else:
                self._go_to(at)

    @property
    def step(self) -> int:
        """Finished sub-steps."""
        return self._place.step

    @property
    def epoch(self) -> int:
        """Finished epochs."""
        return self._place.epoch

    @property
    def finished(self) -> bool:
        """Whether all epochs are done."""
        return self._place.epoch >= self.config.epochs

    @property
    def steps_per_epoch(self) -> int:
        """Sub-steps in the current epoch."""
        return len(self._place.plan)

    @property
    def step_in_epoch(self) -> int:
        """Finished sub-steps of the current epoch."""
        return self._place.index

    @property
    def progress(self) -> float:
        """Share of the run that is done, from 0 to 1."""
        return min(1.0, self._place.position(self.config).run_progress)

    @property
    def next_modality(self) -> str | None:
        """The modality of the coming sub-step; None when all learn at once or training is over."""
        return None if self.finished else self._place.batch.modality

    @property
    def next_samples(self) -> Split | None:
        """The training samples of the coming sub-step, in its order; None when training is over."""
        return None if self.finished else self._place.batch.samples(self._route.train)

    def __iter__(self) -> Iterator[StepRecord]:
        return self

    def __next__(self) -> StepRecord:
        for record in self.advance(steps=1):
            return record
        raise StopIteration

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

        Raises
        ------
        ConfigError
            When a limit is no such number, or below 0.
        """
        limits = Limits(steps=steps, epochs=epochs, seconds=seconds, epoch=self.epoch)
        records: list[StepRecord] = []
        while not limits.reached(len(records), self.epoch):
            with self._in_turn():
                if self.finished:
                    break
                with uninterrupted():
                    records += self._take(limits.left(len(records)))
        return records

    def evaluate(self, split: str | Split = "val") -> Evaluation:
        """Return the predictions for a whole split.

        Parameters
        ----------
        split : str or Split
            ``"train"``, ``"val"`` or ``"test"``, or samples that were changed on the way.
        """
        with self._in_turn():
            chosen = split if isinstance(split, Split) else self.data.split(split)
            return self._evaluation(chosen, self._place)

    def snapshot(self) -> Snapshot:
        """Return everything that decides how training goes on, and what happened so far."""
        with self._in_turn():
            return self._snapshot(self._place, self.history.copy(), self.best)

    def restore(self, snapshot: Snapshot) -> None:
        """Go back (or forth) to a snapshot, its configuration and history included.

        Raises
        ------
        ConfigError
            When it is of another configuration. Where it cannot be taken over, nothing changes.
        """
        with self._lock, compute_threads(), uninterrupted():
            try:
                self._go_to(snapshot)
            except Exception:
                self._make_good()
                raise

    def rewind(self) -> None:
        """Go back to `last_good`, but keep the settings that are in force now."""
        with self._lock, uninterrupted():
            live = self.config.live_values()
            self.restore(self.last_good)
            self.reconfigure(**live)
            self.look_again()

    def fork(self, at: Snapshot | None = None, **changes: Any) -> TrainingSession:
        """Return a second session that goes on from here with some settings changed.

        Parameters
        ----------
        at : Snapshot, optional
            Go on from there instead, for example from ``session.recording.at(step).snapshot``.
        **changes
            Live fields of the configuration, such as ``head_gradient="off"``.
        """
        with self._lock:  # of one and the same moment
            snapshot = self.snapshot() if at is None else at
            Snapshot.check_fits(snapshot, self.config)
            recording = self.recording.until(snapshot.step)
        twin = TrainingSession(self.config, self._whole, self.encoders, snapshot)
        twin.recording = recording
        twin.reconfigure(**changes)
        return twin

    def reported(self) -> TrainingSession:
        """Return the session whose weights count: itself, or a twin at `best` (see ``stopping``)."""
        return self if self.best is None else self.fork(self.best)

    def describe(self) -> str:
        """Say where a sub-step computes, and how its samples get there: decided once, when made."""
        return self._route.describe()

    def reconfigure(self, **changes: Any) -> None:
        """Change settings from the next sub-step on; the history notes each change.

        Raises
        ------
        ConfigError
            When a field cannot change while a session runs, or its value is out of range; then
            nothing has changed.
        """
        with self._lock, uninterrupted():
            before, config = self.config, self.config.replace(**changes)
            for name, value in changes.items():
                if name not in config.live_fields() and value != getattr(before, name):
                    msg = f"{name!r} cannot change while a session runs: start a new one"
                    raise ConfigError(msg)
            if config.epochs < before.epochs and config.epochs <= self.epoch:
                msg = f"epochs must be above the {self.epoch} already trained, not {config.epochs}"
                raise ConfigError(msg)
            values = [(name, getattr(before, name), getattr(config, name)) for name in changes]
            new = [Change(self.step, name, old, now) for name, old, now in values if old != now]
            cut_off, self._cut_off = self._cut_off, True
            self.method.reconfigure(config)
            told = [*self.history.changes, *new]
            self.config, self.history.changes, self._cut_off = config, told, cut_off

    def look_again(self) -> None:
        """Show the latest look under the settings that hold now; the curves get no extra point.

        Another fusion rule fuses that look's logits anew, which needs neither encoders nor head.
        """
        with self._in_turn():
            latest = self.history.latest
            if latest is None:
                latest = self._evaluation(self.probe, self._place)
            elif "fusion" in self.method.uses:
                rule = self.config.fusion
                weights, fused = fused_by_rule(rule, latest.logits, latest.present)
                latest = replace(latest, weights=weights, fused=fused)
            self.history.latest = latest

    # ------------------------------------------------------------------------ one at a time

    @contextmanager
    def _in_turn(self) -> Iterator[None]:
        """Wait for whoever is at work on this session, and make good what was cut off."""
        with self._lock, compute_threads():
            self._make_good()
            yield

    def _make_good(self) -> None:
        """Where a sub-step was cut off, go to where it began: it may have left anything behind."""
        if self._cut_off:
            self._go_to(self.last_good, self.step, self.history.changes)

    def _go_to(
        self, start: Snapshot, step: int | None = None, changes: Sequence[Change] | None = None
    ) -> None:
        """Load a snapshot, take what followed it again until `step`, if any, and stand there.

        The same sub-steps give the same tensors, so that none need be kept for a way back. If this
        is cut off, it is only begun: where the session stands changes at the very end.
        """
        Snapshot.check_fits(start, self.config)
        self._cut_off = True
        step = start.step if step is None else step
        changes = start.history.changes if changes is None else changes
        config, history = start.config, start.history.copy()
        self.method.reconfigure(config)
        load_state(self.method, start.tensors)
        place = self._route.at(start.step, start.epoch, start.index)  # of what was loaded
        for change in [*changes[len(history.changes) :], None]:
            end = step if change is None else change.step
            place = self._route.take_until(end, place, config, history)
            if change is not None:
                with from_elsewhere():  # as its code was, whatever its file says by now
                    config = config.replace(**{change.field: change.after})
                self.method.reconfigure(config)
        history.changes = list(changes)
        if history.latest is None:  # a snapshot from disk
            history.latest = self._evaluation(self.probe, place)
        recording = self.recording.until(start.step)
        self.last_good, self._place, self.history = start, place, history  # now it has happened
        self.config, self.best, self.recording, self._cut_off = config, start.best, recording, False

    def _take(self, most: int) -> list[StepRecord]:
        """Take some sub-steps, and look at the probe set where that is due."""
        self._cut_off = True
        try:
            records = self._route.take(self._place, self.config, most)
        except TrainingDivergedError:  # then nothing has been updated, unless it was read later
            self._cut_off = self.method.ahead
            raise
        for record in records[:-1]:  # the look behind the last may fail
            self.history.add(record)
            self._place = self._route.after(self._place)
        place = self._route.after(self._place)
        if place.due(self.config):
            self._look(place, records[-1])
        else:
            self.history.add(records[-1])
            self._place, self._cut_off = place, self.method.ahead
        return records

    def _snapshot(self, place: Place, history: History, best: Snapshot | None = None) -> Snapshot:
        tensors = self.method.state_dict()
        return Snapshot(self.config, place.step, place.epoch, place.index, tensors, history, best)

    def _evaluation(self, split: Split, place: Place, seen: Prediction | None = None) -> Evaluation:
        seen = self.method.predict(split) if seen is None else seen
        return Evaluation(
            split=split.name,
            step=place.step,
            epoch=place.epoch,
            modalities=tuple(self.data.modalities),
            ids=split.ids,
            labels=split.labels,
            present=split.present,
            **vars(seen),
        )

    def _look(self, place: Place, record: StepRecord | None = None) -> None:
        """Evaluate the probe set, stand at `place`, and remember the way back to it."""
        evaluation = self._evaluation(self.probe, place, self.method.calibrate(self.probe))
        evaluation.check_finite()
        history = self.history.copy()  # another thread may be reading this one
        if record is not None:
            history.add(record)
        sight = Sight(self.data.split("train"), self.probe, place.plan)
        history.look(evaluation, summary_of(evaluation, self.method, sight, self.config))
        snapshot, best = self._snapshot(place, history.copy()), self.best
        if self.config.stopping != "last" and place.step > 0:
            now, how = history.summaries[-1], self.config.stopping
            if best is None or is_better(now, best.history.summaries[-1], how):
                best = snapshot
        last_good = replace(snapshot, best=best)
        self.recording.add(Moment(evaluation, last_good), history.summaries.indices[-1])
        self.last_good, self._place = last_good, place  # from here on, it has happened
        self.history, self.best, self._cut_off = history, best, False
