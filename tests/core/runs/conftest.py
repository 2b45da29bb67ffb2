"""What tests of runs have in common."""

import pytest

from mla_core.methods.alternating import Alternating


@pytest.fixture
def steps_taken(monkeypatch) -> list[int]:
    """Collect the number of every sub-step that is really computed."""
    taken, original = [], Alternating.step

    def step(self, batch, split, position):
        taken.append(position.step)
        return original(self, batch, split, position)

    monkeypatch.setattr(Alternating, "step", step)
    return taken
