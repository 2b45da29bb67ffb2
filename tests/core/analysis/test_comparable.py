"""Two runs are compared when only the setting asked about differs, and both have finished."""

import pytest

import mla_core as mla
from mla_core.analysis import why_not_comparable

SIZES = {"sizes": [96, 40, 40], "classes": 3}
CONFIG = mla.ExperimentConfig(dataset="gaussian", dataset_options=SIZES, epochs=1, batch_size=32)
METHODS = {"method": ("concat", "mla")}


def pair(trained=True, **changes):
    runs = {
        "concat": mla.TrainingSession(CONFIG.replace(method="concat")),
        "the bench": mla.TrainingSession(CONFIG.replace(**changes)),
    }
    for session in runs.values() if trained else ():
        session.advance(epochs=9)
    return runs


def test_finished_runs_alike_are_compared():
    assert why_not_comparable(pair(), METHODS) == ""


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"seed": 1}, "seed is 0 in concat, but 1 in the bench"),
        ({"dataset_options": SIZES | {"classes": 4}}, "dataset_options is {"),
        ({"epochs": 2}, "epochs is 1 in concat, but 2 in the bench"),
        ({"method": "ensemble"}, "about method mla, but the bench has ensemble now"),
    ],
)
def test_other_settings_or_data_are_named(changes, told):
    assert told in why_not_comparable(pair(trained=False, **changes), METHODS)


def test_what_trains_on_is_not_compared():
    runs = pair()
    runs["the bench"] = mla.TrainingSession(CONFIG)
    runs["the bench"].advance(steps=2)
    told = why_not_comparable(runs, METHODS)
    assert told == "the bench has trained 0 of 1 epochs."


def test_a_setting_that_was_another_one_on_the_way_is_named():
    runs = pair(trained=False)
    runs["concat"].advance(epochs=1)
    bench = runs["the bench"]
    bench.reconfigure(head_gradient="off")  # before the first sub-step: nothing trained with it
    bench.reconfigure(head_gradient="paper")
    bench.advance(steps=3)
    bench.reconfigure(fusion="uniform")
    bench.reconfigure(fusion="entropy")  # of one sub-step with the change before
    assert "0 of 1 epochs" in why_not_comparable(runs, METHODS)
    bench.reconfigure(head_gradient="off")
    bench.advance(steps=2)
    bench.reconfigure(head_gradient="paper")
    bench.advance(epochs=1)
    told = why_not_comparable(runs, METHODS)
    assert told == (
        "the bench has not kept its settings: head_gradient was off until sub-step 5, and is paper."
    )


def test_data_of_the_same_name_may_differ():
    runs = pair()
    other = mla.load_dataset("gaussian", **SIZES, seed=7)
    runs["the bench"] = mla.TrainingSession(CONFIG, other)
    runs["the bench"].advance(epochs=1)
    assert why_not_comparable(runs, METHODS) == (
        "concat and the bench have learnt from different data."
    )
