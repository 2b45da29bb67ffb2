"""Time travel and branches without a browser."""

import pytest

import mla_core as mla
from tests.widgets.bench.driving import on_bench, press, settle, small, train_an_epoch, until


def test_travelling_shows_every_picture_as_it_was_and_training_goes_on():
    async def script(lab):
        await train_an_epoch(lab)
        steps = lab.session.recording.steps
        assert steps == list(range(0, lab.session.step + 1, 5))
        now = lab._diagram.value
        lab._timeline.slider.asked = [5, 1]
        await settle(lab)
        then = lab.session.recording.at(5)
        assert lab._scene.first.look is then.evaluation
        assert lab._diagram.value != now
        assert (
            "Looking back at sub-step 5, epoch 1 of 3; the run stands at 15 of 45 sub-steps"
            in lab._status.text
        )
        traces = {trace.meta: trace for trace in lab._figure.data}
        assert list(traces["cursor.accuracy"].x) == [5, 5]
        assert traces["accuracy.fused"].x[-1] == 15

        press(lab, "step")
        await until(lambda: lab.session.step == 16)
        assert lab._scene.first.look is then.evaluation
        lab._timeline.now.click()
        await settle(lab)
        assert lab._scene.first.look is lab.session.history.latest
        assert len(traces["cursor.accuracy"].x) == 0
        slider = lab._timeline.slider
        assert (slider.at, slider.following, slider.total) == (16, True, 45)
        assert slider.steps == [0, 5, 10, 15, 16], "now is a moment, though nobody looked then"

    on_bench(script)


def test_a_branch_catches_up_trains_beside_and_is_named_in_words():
    async def script(lab):
        await train_an_epoch(lab)
        lab._timeline.slider.asked = [5, 1]
        lab._timeline.what.value = "head_gradient"
        lab._timeline._values["head_gradient"].value = "off"
        lab._timeline.branch.click()
        await until(lambda: lab._player.tandem.branch is not None)
        await settle(lab)
        tandem = lab._player.tandem
        assert (tandem.trunk.step, tandem.branch.step) == (15, 5)
        assert "head_gradient off instead of paper" in lab._difference.value
        press(lab, "step")
        await until(lambda: tandem.branch.step == 6)
        assert tandem.trunk.step == 15
        press(lab, "play")
        await until(lambda: lab._player.state == "finished")
        await settle(lab)
        assert tandem.trunk.step == tandem.branch.step == 45
        straight = mla.TrainingSession(small())
        straight.advance()
        assert tandem.trunk.history.steps == straight.history.steps
        twin = mla.TrainingSession(small())
        twin.advance(steps=5)
        twin.reconfigure(head_gradient="off")
        twin.advance()
        assert tandem.branch.history.steps == twin.history.steps
        assert "At sub-step 45 its accuracy differs by fused" in lab._difference.value
        traces = {trace.meta: trace for trace in lab._figure.data}
        assert list(traces["branch.accuracy.fused"].x) == list(range(5, 46, 5))
        gain = twin.history.summaries[-1].accuracy - straight.history.summaries[-1].accuracy
        assert traces["difference.fused"].y[-1] == pytest.approx(gain)
        first, second = lab._stages
        first.map.pinned = lab.session.probe.ids[3]
        await settle(lab)
        assert second.map.pinned == lab.session.probe.ids[3], "one sample in both maps"
        assert "Branch" in second.sample.value

        lab._timeline.drop.click()
        await until(lambda: lab._player.tandem.branch is None)
        await settle(lab)
        assert lab._difference.value == ""
        assert "branch.accuracy.fused" not in {trace.meta for trace in lab._figure.data}

    on_bench(script)


def test_a_branch_with_a_value_out_of_range_is_refused_in_a_sentence():
    async def script(lab):
        lab._inbox.put(lambda: lab._branch({"alpha": -1.0}))
        await settle(lab)
        assert "alpha" in lab._status.text
        assert lab._player.tandem.branch is None

    on_bench(script)
