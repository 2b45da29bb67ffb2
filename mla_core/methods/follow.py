"""What a process does that does not lead: it encodes what it is asked to, and learns from dL/dz."""

from __future__ import annotations

import torch
from torch import Tensor

from mla_core.data.samples import Split
from mla_core.methods.one_at_a_time import OneAtATime
from mla_core.methods.team import Call, Team
from mla_core.threads import compute_threads


def follow(method: OneAtATime, train: Split, team: Team) -> None:
    """Do what the leader asks, until it says that this is all.

    Parameters
    ----------
    method : OneAtATime
        Made as the leader's, so that both begin with the same weights.
    train : Split
        Of which this process reads the inputs of its own modalities alone, and no label.
    team : Team
    """
    method.join(team)
    with compute_threads():
        while True:
            call, words = team.heard()
            if call == Call.LEARN:
                _learn(method, train, team, words)
            elif call == Call.GIVE:
                method.give_state()
            elif call == Call.TAKE:
                method.take_state()
            else:
                return


def _learn(method: OneAtATime, train: Split, team: Team, words: list[int]) -> None:
    step, batches = team.asked(words)
    with method.model.at_step(method.config.seed, step), torch.enable_grad():
        own = method.encode_own(batches, train)
        for wait in [team.send(z) for z in own if z is not None]:
            wait()
        rates = team.tell_rates(most=len(batches))
        pulls: list[Tensor | None] = [
            team.receive(*z.shape) if z is not None and method.learns(batch.modality) else None
            for batch, z, _ in zip(batches, own, rates, strict=False)
        ]
        method.move_encoders(batches, rates, own, pulls)
