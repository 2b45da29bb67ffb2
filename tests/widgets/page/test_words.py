"""The bench's figure in words says what its curves show."""

import numpy as np
import pytest

import mla_core as mla
from widgets.charts.curves import curves
from widgets.page.words import describe_training

METHODS = ["mla", "concat", "ogm_ge", "qmf", "late_fusion", "ensemble"]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("modalities", [2, 6])
def test_words_agree_with_the_curves(method, modalities):
    options = {"modalities": modalities, "sizes": [40, 20, 20], "classes": 4}
    session = mla.TrainingSession(
        mla.ExperimentConfig(
            dataset="gaussian", dataset_options=options, method=method, epochs=1, batch_size=20
        )
    )
    list(session)
    said = describe_training(session.history, "PCA <b>")
    shown = curves(session.history)
    for key, curve in shown.items():
        kind, _, name = key.partition(".")
        first, last = curve["y"][0], curve["y"][-1]
        if kind == "loss":
            assert f"{name} from {first:.2f} to {last:.2f}" in said
        elif kind == "accuracy":
            assert f"{name} from {first:.0%} to {last:.0%}" in said
        elif kind == "forgetting":
            assert f"{name} {last:.2f}" in said
    gaps = {key[4:]: curve["y"][-1] for key, curve in shown.items() if key.startswith("gap.")}
    ends = (max(gaps, key=gaps.get), min(gaps, key=gaps.get))
    for pair in ends:
        assert f"{pair.replace('|', ' to ')} from " in said
        assert f"to {gaps[pair]:.2f}" in said
    assert said.endswith("Map: PCA <b>.")
    assert len(said) < 200 + 130 * modalities, "gaps of many pairs are not all told"


def test_a_modality_that_no_sample_has_is_absent():
    options = {"sizes": [40, 20, 20], "classes": 4}
    data = mla.load_dataset("gaussian", **options)
    missing = {"val": {list(data.modalities)[1]: 1.0}}
    config = mla.ExperimentConfig(
        dataset="gaussian", dataset_options=options, missing=missing, epochs=1
    )
    session = mla.TrainingSession(config)
    list(session)
    assert "absent" in describe_training(session.history)
    assert np.isnan(list(session.history.latest.unimodal_accuracy.values())[1])
