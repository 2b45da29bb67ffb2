"""Another language on the bench: every word changes, and nothing of the run does."""

import asyncio
from collections.abc import Mapping

import ipywidgets as ipw
import pytest
from ipywidgets.widgets.widget import _instances as live_widgets

from mla_core import language
from tests.widgets.bench.driving import (
    Worker,
    on_bench,
    press,
    setting,
    settle,
    small,
    train_an_epoch,
    until,
)
from widgets.bench import map_follower
from widgets.bench.saying import say, say_again
from widgets.page import live_widget, spoken


class Quoted(Mapping):
    """A language that says whatever English says, in quotes."""

    def __getitem__(self, message):
        return f"«{message}»"

    def __iter__(self):
        return iter(["Moment"])

    def __len__(self):
        return 1


@pytest.fixture(autouse=True)
def own_language(monkeypatch):
    def messages(name, source=""):
        return Quoted() if name == "zh_CN" else {}

    monkeypatch.setattr(language, "_chosen", [])
    monkeypatch.delenv(language.VARIABLE, raising=False)
    monkeypatch.setattr(language, "messages", messages)
    monkeypatch.setattr(spoken, "messages", messages)


async def choose(lab, code):
    lab._controls.language.value = code
    await settle(lab)


def descendants(widget):
    yield widget
    for child in getattr(widget, "children", ()):
        yield from descendants(child)


def words(lab):
    """Return every text on the bench but the status line: what has it -> the text."""
    shown = {}
    for i, widget in enumerate([*descendants(lab.view), *lab._loose()]):
        for name in ("description", "tooltip"):
            shown[i, name] = getattr(widget, name, None)
        if isinstance(widget, ipw.HTML):
            shown[i, "value"] = widget.value
        if "options" in getattr(widget, "says", {}):
            shown |= {(i, value): label for label, value in widget.options}
    for annotation in lab._figure.layout.annotations:
        shown[annotation.name or annotation.text] = annotation.text
    shown["map"] = lab._stages[0].map.maps["pca"]["caption"]
    shown["script"] = str(lab._timeline.slider.messages)
    return {place: told for place, told in shown.items() if told}


def test_every_word_is_said_in_the_language_that_is_chosen():
    async def script(lab):
        await train_an_epoch(lab)
        english = words(lab)
        assert not any("«" in told for told in english.values())

        await choose(lab, "zh_CN")
        assert lab._controls.buttons["play"].description == "«Play»"
        assert "«Training loss (nats)»" in [a.text for a in lab._figure.layout.annotations]
        assert "«The bench speaks" in lab._status.text
        assert "简体中文" in lab._status.text
        assert "Other cells speak it when they run again.»" in lab._status.text
        names = {"PCA", "UMAP", *lab.session.probe.ids}
        assert {told for told in words(lab).values() if "«" not in told} <= names

        await choose(lab, "en")
        assert "«" not in lab._status.text
        assert words(lab) == english

    on_bench(script, small(method="ogm_ge", instruments=["ratio"]))


def test_the_run_its_branch_and_the_moment_stay():
    async def script(lab):
        await train_an_epoch(lab)
        lab._timeline.slider.asked = [5, 1]
        lab._timeline.branch.click()
        await until(lambda: lab._player.tandem.branch is not None)
        lab._timeline.slider.asked = [10, 2]
        await settle(lab)
        tandem, look = lab._player.tandem, lab._scene.first.look
        await choose(lab, "zh_CN")
        assert lab._player.tandem is tandem
        assert lab._scene.first.look is look
        assert (lab._travel, look.step, tandem.trunk.step) == (10, 10, 15)
        assert "«First run»" in lab._stages[0].sample.value
        assert "«Branch»" in lab._stages[1].sample.value
        assert "«At sub-step" not in lab._difference.value
        assert "«Branch from sub-step 5" in lab._difference.value
        assert lab._player.state == "paused"
        press(lab, "play")
        await until(lambda: lab._player.state == "finished")
        assert tandem.trunk.step == tandem.branch.step == 45

    on_bench(script)


def test_what_was_chosen_and_unfolded_stays_so():
    async def script(lab):
        sample = lab.session.probe.ids[3]
        lab._controls.unfold.value = True
        lab._controls.speed.value = 0.0
        lab._controls._predicts.value = "averaged, calibrated"
        lab._controls._noise[0].value = 0.7
        lab._chooser.value = sample
        lab._timeline.what.value = "learning_rate"
        setting(lab, "method").value = "mla"
        setting(lab, "alpha").value = 0.01
        await settle(lab)
        lab._stages[0].map.colour = "modality"
        wanted, one = lab._wanted, lab._stages[0].map
        await choose(lab, "zh_CN")
        await settle(lab)
        assert lab._wanted is wanted, "a list with other words is no choice"
        assert lab._controls._predicts.value == "averaged, calibrated"
        assert lab._controls._noise[0].value == 0.7
        assert (lab._controls.speed.value, lab._player.steps_per_second) == (0.0, 0.0)
        assert lab._controls.settings.layout.display == "flex"
        assert lab._controls.buttons["reset"].button_style == "warning"
        assert (lab._chooser.value, lab._timeline.what.value) == (sample, "learning_rate")
        assert lab._stages[0].map is one
        assert (one.pinned, one.colour) == (sample, "modality")
        assert f"<b>{sample}</b>" in lab._stages[0].sample.value

    on_bench(script, small())


def test_training_goes_on_meanwhile():
    async def script(lab):
        session = lab.session
        press(lab, "play")
        await until(lambda: session.step > 2)
        await choose(lab, "zh_CN")
        assert lab._player.state == "playing"
        lab._controls.speed.value = 0.0
        await until(lambda: lab._status.state == "finished")
        assert lab.session is session
        assert "«Finished»" in lab._status.text
        assert "«Go on with more epochs, or with another seed.»" in lab._status.text
        assert len(session.history.steps) == 45

    on_bench(script)


def test_the_caption_of_a_umap_is_said_again_without_a_new_one(monkeypatch):
    monkeypatch.setattr(map_follower, "MapWorker", Worker)

    async def script(lab):
        lab._controls.map.value = "umap"
        await until(lambda: "umap" in lab._followers[0]._maps.views)
        await settle(lab)
        before = lab._followers[0]._maps.views["umap"]
        await choose(lab, "zh_CN")
        told = lab._stages[0].map.maps["umap"]["caption"]
        assert "«UMAP, recomputed at sub-step 0" in told
        assert lab._followers[0]._maps.views["umap"].coords == pytest.approx(before.coords)
        assert lab._maps.worker.asked == 1

    on_bench(script)


def test_a_bench_that_has_changed_its_language_leaves_nothing_behind(monkeypatch):
    monkeypatch.setattr(live_widget, "ANSWER_SECONDS", 0.05)
    before = set(live_widgets)

    async def script(lab):
        await choose(lab, "zh_CN")
        await choose(lab, "en")
        lab.close()
        await asyncio.sleep(0.3)

    on_bench(script)
    left = [one for key, one in live_widgets.items() if key not in before]
    assert [one for one in left if isinstance(one, ipw.Widget)] == []


def test_a_list_with_other_words_keeps_what_was_chosen():
    choice = say(ipw.Dropdown(), options=lambda: [(language.tr("one"), 1), (language.tr("two"), 2)])
    choice.value = 2
    language.choose("zh_CN")
    say_again([ipw.VBox([choice])])
    assert choice.options == (("«one»", 1), ("«two»", 2))
    assert choice.value == 2


def test_a_script_is_drawn_anew_with_its_messages():
    class Bell(spoken.Spoken, ipw.Widget):
        pass

    bell, shown = Bell(), []
    box = ipw.HBox([bell])
    box.observe(lambda change: shown.append(change["new"]), "children")
    language.choose("zh_CN")
    say_again([box])
    assert bell.messages == {"Moment": "«Moment»"}
    assert shown == [(), (bell,)]
