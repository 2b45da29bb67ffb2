"""What holds is what the evaluations say."""

import json

import torch

import mla_core as mla
from widgets.questions.reveals import complete_samples, fused_change, least_gained, weakest_modality


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
    assert gains[least_gained(both)[0]] == min(gains.values())
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


def test_complete_samples_are_counted():
    present = torch.tensor([[1, 1, 1, 0], [1, 1, 0, 1]], dtype=torch.bool)
    inputs = {"<img src=x>": torch.zeros(4, 2), "b": torch.zeros(4, 2)}
    split = mla.Split("train", inputs, present, torch.zeros(4, dtype=int), tuple("abcd"))
    choice, sentence, table = complete_samples(split, [25, 75])
    assert choice == "25 to 75"
    assert "It is 50.0 of 100." in sentence
    assert "56.2 would be complete" in sentence
    assert "<img" not in table.data
    assert table.data.count("<tr>") == 4
