"""The bench's instruments: asked for by a button, drawn as curves, right after every way back."""

import pytest

from tests.core.guests import write
from tests.widgets.bench.driving import (
    on_bench,
    press,
    setting,
    settle,
    small,
    train_an_epoch,
    until,
)

SHOWING = """
from mla_core.methods import Instrument
from mla_core.methods.concat import Concat


class Showing(Concat):
    instruments = {"half": Instrument("Half <b>", "One half.", each=False, lines=("half",))}

    def modulate(self, features, labels, present, position):
        self.note("half", features.new_tensor([0.5 + position.step]))


class Silent(Concat):
    instruments = {}
"""


@pytest.fixture
def own(lab):
    """The name of a module with a person's own methods."""
    write(lab, SHOWING)
    return lab


def trace(lab, meta):
    return next(t for t in lab._figure.data if t.meta == meta)


async def watch(lab, name, down=True):
    lab._watching.buttons[name].value = down
    await settle(lab)


def test_what_is_pressed_gets_a_panel_and_a_curve():
    async def script(lab):
        assert not any(str(t.meta).startswith("instrument.") for t in lab._figure.data)
        press(lab, "step")
        await until(lambda: lab.session.step == 1)
        await watch(lab, "ratio")
        assert "Watched from sub-step 1 on: Discrepancy ratio." in lab._status.text
        assert "Nothing yet." in next(
            a.text for a in lab._figure.layout.annotations if a.name == "instrument.ratio"
        )
        await train_an_epoch(lab)
        records = lab.session.history.steps[1:]
        drawn = trace(lab, "instrument.ratio.m0")
        assert list(drawn.y) == [record.instruments["ratio.m0"] for record in records]
        assert list(drawn.x) == [record.step + 1 for record in records]
        await watch(lab, "ratio", down=False)
        assert not any(str(t.meta).startswith("instrument.") for t in lab._figure.data)
        assert lab.session.config.instruments == ()
        assert lab._controls.buttons["reset"].button_style == ""

    on_bench(script, small(method="ogm_ge"))


def test_a_branch_shows_the_same_instruments_from_where_it_left():
    async def script(lab):
        await watch(lab, "factor")
        await train_an_epoch(lab)
        before = lab.session.history.steps[:]
        lab._timeline._on_travel(0)
        lab._inbox.put(lambda: lab._branch({"learning_rate": 0.001}))
        await until(lambda: lab._player.tandem.branch is not None)
        await settle(lab)
        branch = lab._player.tandem.branch
        assert branch.config.instruments == ("factor",)
        press(lab, "play")
        await until(lambda: branch.step >= 4)
        press(lab, "pause")
        await until(lambda: lab._player.state == "paused")
        await settle(lab)
        drawn = trace(lab, "branch.instrument.factor.m1")
        told = [
            r.instruments["factor.m1"] for r in branch.history.steps if "factor.m1" in r.instruments
        ]
        assert list(drawn.y) == told
        assert lab.session.history.steps[: len(before)] == before

    on_bench(script, small(method="mlb"))


def test_another_method_is_offered_its_own():
    async def script(lab):
        await watch(lab, "budget")
        await watch(lab, "conflict")
        setting(lab, "method").value = "mla"
        await settle(lab)
        assert lab._wanted.instruments == ("budget",)
        press(lab, "reset")
        await until(lambda: lab.session.config.method == "mla")
        await settle(lab)
        assert list(lab._watching.buttons) == ["budget", "shapley"]
        assert lab._watching.buttons["budget"].value
        assert len(trace(lab, "instrument.budget.m0").y) == 1

    on_bench(script, small(method="concat"))


def test_a_guests_instrument_shows(own):
    async def script(lab):
        assert list(lab._watching.buttons) == ["half"]
        await watch(lab, "half")
        press(lab, "step")
        await until(lambda: lab.session.step == 1)
        await settle(lab)
        assert list(trace(lab, "instrument.half.half").y) == [0.5]
        assert "Half &lt;b&gt;" in [a.text for a in lab._figure.layout.annotations]
        assert ">half<" in lab._legend.value

    on_bench(script, small(method=f"{own}:Showing"))


def test_a_method_without_instruments_says_so(own):
    async def script(lab):
        (note,) = lab._watching.box.children
        assert "This method has no instruments" in note.value

    on_bench(script, small(method=f"{own}:Silent"))
