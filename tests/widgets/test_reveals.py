"""What holds is what the evaluations say."""

import json

import mla_core as mla
from widgets.reveals import fused_change, most_gained, weakest_modality


def evaluations(session):
    before = session.evaluate("val")
    session.advance(steps=9)
    return {"before": before, "<img src=x>": session.evaluate("val")}


def test_choices_agree_with_the_accuracies(session):
    both = evaluations(session)
    before, after = both.values()
    alone = before.unimodal_accuracy
    choice, sentence, figure = weakest_modality(both)
    assert alone[choice] == min(alone.values())
    assert all(f"{name} {value:.1%}" in sentence for name, value in alone.items())
    gains = {name: value - alone[name] for name, value in after.unimodal_accuracy.items()}
    assert gains[most_gained(both)[0]] == max(gains.values())
    change = 100 * (after.accuracy - before.accuracy)
    assert fused_change(both, [0])[:2] == (
        "0 or more" if change >= 0 else "below 0",
        f"It is {change:.1f} points.",
    )
    told = figure.to_plotly_json()
    assert "<img src=x>: " in told["layout"].pop("meta")
    assert "<img" not in json.dumps(told, default=str)


def test_one_evaluation_is_enough_to_find_the_weakest(session: mla.TrainingSession):
    look = session.evaluate("val")
    assert weakest_modality({"now": look})[0] in session.data.modalities
