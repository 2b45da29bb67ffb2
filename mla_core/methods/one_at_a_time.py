"""What MLA and separately trained networks share: one modality per sub-step (MLA, eq. 1 and 2)."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from functools import partial
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mla_core.data.samples import Modality, Split
from mla_core.errors import ConfigError, TrainingDivergedError
from mla_core.fusion import fused_by_rule
from mla_core.methods.base import Method, Position, Prediction
from mla_core.methods.schedule import Batch, alternating_epoch
from mla_core.methods.team import Call, Team
from mla_core.methods.telling import Telling, records_of
from mla_core.methods.turn import Turn
from mla_core.records import StepRecord
from mla_core.threads import helped, side_by_side

# Numbers in a round's batches from which on threads save more than they cost; those of vectors are
# worked off too fast to count.
ENOUGH = 2**15


class OneAtATime(Method):
    """Every sub-step trains one encoder and a head on the samples that have its modality.

    Absent parts are never read: nothing is filled in.
    """

    one_at_a_time = True
    weighs = True
    # Whether `move` touches the head alone, the optimiser's own step aside: then sub-steps of
    # different modalities may share their time, see `steps`. Each class says so for itself.
    head_moves_alone: ClassVar[bool] = False
    uses = frozenset({"fusion", "order", "pairing"})
    team: Team | None = None  # the processes that share the encoders, if there are several
    _gathered = True  # whether the weights here are those that the others have trained
    _handed_out = True  # whether the others have the weights that were loaded here

    def build(
        self, modalities: Mapping[str, Modality], n_classes: int, modules: Mapping[str, nn.Module]
    ) -> None:
        """Also note how many numbers the batches of a round hold."""
        super().build(modalities, n_classes, modules)
        self.waits = self.config.head_device == "cpu"  # for each number, as it comes
        sizes = [math.prod(one.shape) for one in modalities.values() if one.kind != "vector"]
        self._round_size = self.config.batch_size * sum(sizes)

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        for name in ("head_moves_alone", "head_travels"):
            setattr(cls, name, bool(vars(cls).get(name, False)))

    def plan(self, train: Split, epoch: int) -> list[Batch]:
        """One modality per sub-step (eq. 1)."""
        config = self.config
        return alternating_epoch(
            train,
            epoch,
            seed=config.seed,
            batch_size=config.batch_size,
            order=config.order,
            pairing=config.pairing,
        )

    @property
    def takes_several(self) -> bool:
        """Whether encoders work side by side, see `steps`.

        Large ones do not: they draw from torch's one generator, or share one GPU. Nor do tiny ones,
        for which threads cost more than they save. With other processes, all but large ones do.
        """
        model = self.model
        if self.team is not None:
            return not model.adapted
        if not self.waits:
            return True
        able = self.head_moves_alone and not model.adapted and model.placement.plain
        return able and self._round_size >= ENOUGH and helped()

    @abstractmethod
    def head_of(self, modality: str) -> nn.Linear:
        """Return the head that reads this modality's features."""

    def classify(self, modality: str, features: Tensor) -> Tensor:
        """Return the logits (B, C) for one modality's features (B, s): by default, its head's."""
        logits: Tensor = self.head_of(modality)(features)
        return logits

    def objective(self, turn: Turn) -> Tensor:
        """Return what a sub-step makes smaller, by default its modality's cross-entropy."""
        return turn.loss

    def remember(self, turn: Turn) -> None:
        """Keep what later sub-steps need of this one, once it has been taken."""

    @property
    def plasticity(self) -> float:
        """How freely the head still moves, from 0 to 1."""
        return 1.0

    def move(self, modality: str, features: Tensor, position: Position, train: Split) -> Tensor:
        """Update the encoder and the head; return the gradient (C, s) that the head followed."""
        self.optimizer.step()
        return _gradient(self.head_of(modality))

    def forgetting(self, modality: str, features: Tensor, labels: Tensor) -> dict[str, float]:
        """Return how much the other modalities' losses grew; a head of one's own harms nobody."""
        return {}

    def tell(self, told: Telling, modality: str, features: Tensor, labels: Tensor) -> None:
        """Note what becomes of the head's freedom, and of the other modalities' losses."""
        told.forgetting = self.forgetting(modality, features, labels)
        told.note("plasticity", self.plasticity)

    def step(self, batch: Batch, train: Split, position: Position) -> StepRecord:
        """Loss, gradient, update."""
        told = self._learn(batch, train, position, self._encode(batch, train))
        return records_of([told], self.modalities)[0]

    def steps(self, turns: Sequence[tuple[Batch, Position]], train: Split) -> list[StepRecord]:
        """Take several sub-steps, each of another modality, as if one by one, bit for bit.

        An encoder moves only in its own sub-step. So all can encode side by side, then the head
        takes its steps in order, and then the encoders learn side by side what it hands them.

        Returns
        -------
        list of StepRecord
            Fewer than asked for where one behind the first diverges: those before it count, and
            whoever asks for it again gets its error.
        """
        if not self.waits:
            return self._steps_unread(turns, train)
        if self.team is None and len(turns) == 1:
            return super().steps(turns, train)
        with self.model.at_step(self.config.seed, turns[0][1].step):
            return self._steps_together(turns, train)

    def _steps_unread(
        self, turns: Sequence[tuple[Batch, Position]], train: Split
    ) -> list[StepRecord]:
        """Take sub-steps one by one, and read at the end what all their records say."""
        told = []
        for batch, position in turns:
            with self.model.at_step(self.config.seed, position.step, undo=False):
                told.append(self._learn(batch, train, position, self._encode(batch, train)))
        self.ahead = True
        records = records_of(told, self.modalities)
        self.ahead = len(records) < len(turns)
        return records

    def _steps_together(
        self, turns: Sequence[tuple[Batch, Position]], train: Split
    ) -> list[StepRecord]:
        team, batches = self.team, [batch for batch, _ in turns]
        if team is not None:
            self._hand_out()
            self._gathered = False
            team.ask_to_learn(turns[0][1].step, batches)
        own = self.encode_own(batches, train)
        found = own if team is None else team.collect(batches, own, self.feature_size)
        records: list[StepRecord] = []
        leaves: list[Tensor] = []
        for (batch, position), z in zip(turns, found, strict=True):
            assert z is not None  # noqa: S101 - for the type checker
            leaves.append(z.detach().requires_grad_(self.learns(batch.modality)))
            try:
                told = self._learn(batch, train, position, leaves[-1])
                records += records_of([told], self.modalities)
            except TrainingDivergedError:
                if not records:
                    if team is not None:
                        team.tell_rates([], len(turns))
                    raise
                break
        rates = [record.learning_rate for record in records]
        pulls = [leaf.grad for leaf in leaves]
        if team is not None:
            team.tell_rates(rates, len(turns))
            pulls = team.hand_back(batches, pulls[: len(records)])
        self.move_encoders(batches, rates, own, pulls)
        return records

    def learns(self, modality: str | None) -> bool:
        """Whether the encoder of this modality has anything to train."""
        return any(p.requires_grad for p in self.model.encoders[str(modality)].parameters())

    def encode_own(self, batches: Sequence[Batch], train: Split) -> list[Tensor | None]:
        """Return features (B, s) of batches, side by side; in a team, of this process's rows alone.

        None where it has none of them.
        """
        team = self.team
        own = list(batches) if team is None else [team.share(batch) for batch in batches]
        work = [partial(self._encode, batch, train) for batch in own if batch is not None]
        plain = self.model.placement.plain and not self.model.adapted
        found = iter(side_by_side(work) if plain else [encode() for encode in work])
        return [None if batch is None else next(found) for batch in own]

    def move_encoders(
        self,
        batches: Sequence[Batch],
        rates: Sequence[float],
        features: Sequence[Tensor | None],
        pulls: Sequence[Tensor | None],
    ) -> None:
        """Carry dL/dz back into the encoders, and update each at its own sub-step's rate.

        Parameters
        ----------
        batches : sequence of Batch
            Each of another modality.
        rates, pulls
            Of those of them that count: learning rates, and dL/dz (B, s) for the features that
            `encode_own` gave; None for an encoder without weights, or of another process.
        """
        team, plain = self.team, self.model.placement.plain
        moved = [
            (str(batch.modality), rate, z, pull)
            for batch, rate, z, pull in zip(batches, rates, features, pulls, strict=False)
            if self.learns(batch.modality)
            and (z is not None if team is None else team.encodes(batch))
        ]
        own = [
            [p for p in self.model.encoders[name].parameters() if p.requires_grad]
            for name, *_ in moved
        ]
        work = [
            partial(_pulled, parameters, z, pull)
            for parameters, (*_, z, pull) in zip(own, moved, strict=True)
        ]
        gradients = side_by_side(work) if plain else [pull() for pull in work]
        if team is not None:
            gradients = [
                team.summed(name, there) for (name, *_), there in zip(moved, gradients, strict=True)
            ]
        given = [rate for _, rate, *_ in moved]
        for rate in dict.fromkeys(given):  # one update for all that learn at one rate
            self.clear_gradients()
            for theirs, parameters, grads in zip(given, own, gradients, strict=True):
                if theirs == rate:
                    for parameter, gradient in zip(parameters, grads, strict=True):
                        parameter.grad = gradient
            self.set_learning_rate(rate)
            self.optimizer.step()

    # ------------------------------------------------------------------ with other processes

    def join(self, team: Team) -> None:
        """Let other processes encode, too. All that hold the same weights do this at once.

        Raises
        ------
        ConfigError
            When this method cannot be shared, or there are too many processes.
        """
        if not self.head_moves_alone:
            msg = (
                f"method {self.config.method!r} moves encoders and head together: train it with one "
                "process"
            )
            raise ConfigError(msg)
        if not self.waits:
            msg = "several processes keep the head on the CPU: leave head_device at 'cpu'"
            raise ConfigError(msg)
        team.divide(self.modalities)
        self.team, self._gathered = team, True
        if team.leads:
            self.model.make_whole = self._gather

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Also remember that the other processes, if any, do not have it yet."""
        super().load_state_dict(state)
        self._handed_out, self._gathered = False, True

    def give_state(self) -> None:
        """Send the leader the weights that this process answers for, and their momenta."""
        team = self.team
        assert team is not None  # noqa: S101 - for the type checker
        for rank in range(1, team.size):
            names = team.owned(rank)
            if names:
                state = Method.state_dict(self) if rank == team.rank else {}
                told = team.tell_state(self._part(state, names), rank)
                if team.leads:
                    Method.load_state_dict(self, Method.state_dict(self) | told)

    def take_state(self) -> None:
        """Take from the leader all weights, and their momenta."""
        team = self.team
        assert team is not None  # noqa: S101 - for the type checker
        state = team.tell_state(Method.state_dict(self) if team.leads else {})
        if not team.leads:
            Method.load_state_dict(self, state)

    def _part(self, state: Mapping[str, Tensor], modalities: Sequence[str]) -> dict[str, Tensor]:
        """Return what of a state belongs to some modalities' encoders."""
        trained = [name for name, p in self.model.named_parameters() if p.requires_grad]
        begins = tuple(f"encoders.{name}." for name in modalities)
        keys = [f"model.{begin}" for begin in begins]
        keys += [f"optimizer.{i}." for i, name in enumerate(trained) if name.startswith(begins)]
        return {key: x for key, x in state.items() if key.startswith(tuple(keys))}

    def _gather(self) -> None:
        """Fetch what the others have trained since this was last done."""
        if self.team is not None and not self._gathered:
            self._gathered = True
            self.team.call(Call.GIVE)
            self.give_state()

    def _hand_out(self) -> None:
        """Give the others what was loaded here."""
        if self.team is not None and not self._handed_out:
            self._handed_out = True
            self.team.call(Call.TAKE)
            self.take_state()

    def _encode(self, batch: Batch, train: Split) -> Tensor:
        modality = str(batch.modality)
        return self.model.encode_samples(modality, train.inputs[modality], batch.indices)  # (B, s)

    def _learn(self, batch: Batch, train: Split, position: Position, features: Tensor) -> Telling:
        """Update the head, and the encoder where the features still hang on it."""
        self.noted()  # of a step that was refused
        modality = str(batch.modality)
        labels = train.labels[batch.indices].to(features.device, non_blocking=True)
        head = self.head_of(modality)
        told = Telling(batch, position, train, self.learning_rate(position), waits=self.waits)

        logits = self.classify(modality, features)  # (B, C)
        loss = F.cross_entropy(logits, labels)  # eq. 2
        told.check("loss", loss)
        turn = Turn(loss, logits, features, labels, batch, train, position)
        objective = self.objective(turn)
        if objective is not loss:
            told.check("objective", objective)
        self.clear_gradients()
        objective.backward()

        with torch.no_grad():
            gradient = _gradient(head)
            told.check("head's gradient", gradient.sum())
            followed = self.move(modality, features, position, train)
            told.compare(gradient, followed)
            self.tell(told, modality, features, labels)
            self.remember(turn)
        told.instruments = self.noted()
        return told

    @torch.no_grad()
    def read(self, features: Tensor, present: Tensor) -> Prediction:
        """Each modality through its head, fused by the configured rule (eq. 6-8)."""
        there = zip(self.model.encoders, features.to(self.model.home), strict=True)
        logits = torch.stack([self.classify(name, z) for name, z in there]).cpu()  # (M, N, C)
        logits = self.tempered(logits)
        weights, fused = fused_by_rule(self.config.fusion, logits, present)
        return Prediction(features, logits, weights, fused)


def _gradient(head: nn.Linear) -> Tensor:
    gradient = head.weight.grad
    assert gradient is not None  # noqa: S101 - for the type checker
    return gradient


def _pulled(
    parameters: Sequence[Tensor], features: Tensor | None, pull: Tensor | None
) -> Sequence[Tensor | None]:
    """Return the gradients of an encoder that made features; zero where it had no row to encode."""
    if features is None or pull is None:
        return [torch.zeros_like(p) for p in parameters]
    # A number with that gradient: given the gradient itself, torch imports SymPy to compare shapes.
    return torch.autograd.grad((features * pull).sum(), parameters, allow_unused=True)
