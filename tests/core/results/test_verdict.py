import itertools

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import stats

import mla_core as mla
from mla_core.head import audit
from mla_core.results import load_results
from mla_core.results import names as run_names
from mla_core.results.missing_curves import at_test_only, with_rates
from mla_core.results.tables import chosen_runs
from mla_core.results.verdict import compare, compare_all, measure_of, tally, together
from tests.core.results.made_up import BASE, CLEAR, NOISY, runs, shifted


@pytest.mark.parametrize(
    ("a", "column", "kind", "words"),
    [
        (CLEAR, "test.accuracy", "better", "a is 10.8 points above b on emoji (95 %"),
        (NOISY, "test.accuracy", "no difference", "seeds): no difference that these seeds show."),
        ([x - 0.1 - i / 99 for i, x in enumerate(BASE)], "test.accuracy", "worse", "below b"),
        (CLEAR, "test.ece", "worse", "points above b on emoji in calibration error (ECE) ("),
        (CLEAR, "forgetting.image", "worse", "0.108 above b on emoji in forgetting of image ("),
        (CLEAR, "plasticity", "higher", "in plasticity (95 % interval 0.098 to 0.118, 5 seeds)"),
        (BASE, "test.accuracy", "same", "a equals b on emoji, in each of 5 seeds: the same."),
        (BASE[:1], "test.accuracy", "same", "in each of 1 seed: the same."),
        (CLEAR[:1], "test.accuracy", "anecdote", "(1 seed): an anecdote, which shows nothing."),
        (CLEAR[:3], "test.accuracy", "better", "3 seeds): better, but from few seeds."),
    ],
)
def test_the_words_of_a_verdict(a, column, kind, words):
    found = compare(runs(column, a=a, b=BASE[: len(a)]), "a", "b", column)
    assert found.kind == kind
    assert words in found.text
    assert str(found) == found.text


def test_a_difference_of_nothing_is_level_rather_than_above():
    found = compare(runs(a=shifted(0.01, -0.01, 0.0002, 0.0, 0.0), b=BASE), "a", "b")
    assert found.text.startswith("a is level with b on emoji (")


def test_a_small_difference_that_is_shown_is_not_called_level():
    tiny = [b + 0.0001 + 0.00001 * i for i, b in enumerate(BASE)]
    found = compare(runs(a=tiny, b=BASE), "a", "b")
    assert found.text.startswith("a is less than 0.1 points above b on emoji (")
    assert found.kind == "better"


def test_a_verdict_is_the_paired_t_test():
    found = compare(runs(a=NOISY, b=BASE), "a", "b")
    test = stats.ttest_rel(NOISY, BASE)
    low, high = test.confidence_interval(0.95)
    assert found.p_value == pytest.approx(test.pvalue)
    assert (found.mean - found.half, found.mean + found.half) == pytest.approx((low, high))


def test_seeds_are_paired_by_their_number_not_by_their_place():
    frame = runs(a=CLEAR, b=BASE)
    shuffled = frame.sample(frac=1, random_state=0)
    assert compare(shuffled, "a", "b") == compare(frame, "a", "b")


def test_missing_seeds_are_named():
    with pytest.raises(mla.ConfigError, match=r"same seeds on emoji: b lacks 3, 4$"):
        compare(runs(a=CLEAR, b=BASE[:3]), "a", "b")


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda f: compare(f, "a", "c"), "unknown label on emoji 'c': choose one of 'a', 'b'"),
        (lambda f: compare(f, "a", "b", "test.acuracy"), "unknown column 'test.acuracy'"),
        (lambda f: compare(f, "a", "b", where="digits"), "unknown condition 'digits'"),
        (lambda f: compare(pd.concat([f, f]), "a", "b"), "a on emoji has several runs of seed 0"),
        (lambda f: compare(f.replace(BASE[2], None), "a", "b"), "b on emoji has no test.accuracy"),
    ],
)
def test_what_cannot_be_compared_is_refused(change, match):
    with pytest.raises(mla.ConfigError, match=match):
        change(runs(a=CLEAR, b=BASE))


def test_several_conditions_must_be_told_apart():
    frame = runs(where=("emoji", "digits"), a=CLEAR, b=BASE)
    with pytest.raises(mla.ConfigError, match="unknown condition ''"):
        compare(frame, "a", "b")
    assert [v.where for v in compare_all(frame, ["a"], "b")] == ["emoji", "digits"]


def test_many_comparisons_are_corrected_by_holm():
    weak = shifted(0.01, 0.02, 0.03, 0.01, 0.005)
    labels = {f"m{i}": NOISY for i in range(8)} | {"weak": weak, "clear": CLEAR}
    found = {v.a: v for v in compare_all(runs(b=BASE, **labels), list(labels), "b")}
    assert {v.family for v in found.values()} == {10}
    assert found["clear"].adjusted == pytest.approx(10 * found["clear"].p_value)
    assert found["clear"].kind == "better"
    assert found["weak"].p_value < 0.05 < found["weak"].adjusted
    assert found["weak"].kind == "unclear"
    assert "unclear, it does not survive the correction for 10 comparisons" in found["weak"].text
    said = tally(list(found.values()))
    assert said == (
        "Of 10 comparisons with b: unclear: weak on emoji; better: clear on emoji; no difference "
        "shown in 8 (p-values adjusted by Holm for 10 comparisons)."
    )


def test_a_verdict_without_a_difference_says_what_the_seeds_would_show():
    one = compare(runs(a=NOISY, b=BASE), "a", "b")
    error = stats.sem([a - b for a, b in zip(NOISY, BASE, strict=True)])
    assert stats.nct.sf(stats.t.ppf(0.975, 4), 4, one.detectable / error) == pytest.approx(0.8)
    assert f"They would show one of {100 * one.detectable:.1f} points in four of five" in one.text
    many = compare_all(runs(a=NOISY, c=NOISY, d=CLEAR, b=BASE), ["a", "c", "d"], "b")
    assert many[0].detectable > one.detectable  # more is asked
    assert "They would show" not in many[2].text


def test_an_anecdote_does_not_count_among_the_corrected():
    one = compare(runs(a=CLEAR[:1], b=BASE[:1]), "a", "b")
    many = compare(runs(a=CLEAR, b=BASE), "a", "b")
    kinds = [(v.kind, v.family) for v in together([one, many])]
    assert kinds == [("anecdote", 1), ("better", 1)]


def test_many_conditions_are_counted_rather_than_listed():
    places = [f"d{i}" for i in range(5)]
    frame = runs(where=places, a=CLEAR, b=BASE)
    assert "better: a on all 5 conditions" in tally(compare_all(frame, ["a"], "b"))


@pytest.mark.parametrize(
    ("column", "scale", "sign"),
    [
        ("test.accuracy", 100, 1),
        ("val.accuracy", 100, 1),
        ("test.missing_curve.30%", 100, 1),
        ("test.subset_accuracy.audio+image", 100, 1),
        ("test.fusion.entropy.accuracy", 100, 1),
        ("test.fusion.entropy.nll", 1, -1),
        ("test.unimodal_nll.accuracy", 1, -1),  # a modality may have any name
        ("test.unimodal_ece.audio", 100, -1),
        ("test.centroid_gap.accuracy|ece", 1, 0),
        ("forgetting.ece", 1, -1),
        ("plasticity", 1, 0),
    ],
)
def test_whether_more_is_better(column, scale, sign):
    assert (measure_of(column).scale, measure_of(column).sign) == (scale, sign)


@pytest.mark.parametrize(
    ("settings", "label", "condition"),
    [
        ({}, "mla (paper)", "spoken_digits"),
        ({"head_gradient": "off", "alpha": 9.0}, "mla (off)", "spoken_digits"),
        ({"alpha": 10.0, "reset": "round"}, "mla (paper, α 10, new P every round)", None),
        ({"projection": "update"}, "mla (paper, P on the update)", None),
        ({"method": "concat", "alpha": 9.0}, "concat", None),
        ({"method": "qmf", "method_options": '{"absent":"zeros"}'}, "qmf (absent zeros)", None),
        ({"method": "unimodal", "modalities": '["audio"]'}, "unimodal (audio)", None),
        ({"missing": '{"test":0.1,"train":0.1,"val":0.1}'}, None, "spoken_digits, 10 % missing"),
        ({"missing": '{"test":0.2}'}, None, "spoken_digits, 20 % missing in test"),
        ({"pairing": "independent"}, "mla (paper)", "spoken_digits, independent batches"),
        ({"label_noise": 0.2}, None, "spoken_digits, 20 % random labels"),
        (
            {"dataset": "gaussian", "dataset_options": '{"modalities":4,"noise":[0.6,1.2,1.2]}'},
            None,
            "gaussian, 4 modalities, noise 0.6 + 2 × 1.2",
        ),
        ({"dataset_options": '{"classes":50,"sizes":[60,9,9]}'}, None, "50 classes, 60 samples"),
        ({"dataset_options": '{"path":"x.npz"}'}, None, 'spoken_digits, path "x.npz"'),
    ],
)
def test_the_names_of_runs(settings, label, condition):
    defaults = {"modalities": "[]", "missing": "{}", "method_options": "{}"}
    defaults |= {"dataset_options": "{}", "encoders": "{}", "label_noise": 0.0}
    defaults |= {"metrics": "[]", "instruments": "[]"}
    plain = mla.ExperimentConfig().to_dict() | defaults | settings
    named = run_names.with_names(pd.DataFrame([plain])).iloc[0]
    if label is not None:
        assert named["label"] == label
    if condition is not None:
        assert condition in named["condition"]


def test_the_same_networks_under_every_fusion_rule():
    frame = runs("test.fusion.entropy.accuracy", a=CLEAR, b=BASE)
    frame = frame.assign(run=frame.index, dataset="emoji")
    frame["test.fusion.uniform.accuracy"] = 0.5
    found = run_names.by_rule(frame)
    uniform = found[found["rule"] == "uniform"]
    assert set(uniform["test.accuracy"]) == {0.5}
    assert set(found["label"]) == {"a, uniform", "b, uniform", "a, entropy", "b, entropy"}
    assert found.loc[found["label"] == "a, entropy", "test.accuracy"].tolist() == CLEAR
    with pytest.raises(mla.ConfigError, match=r"no column 'test\.fusion\.best\.accuracy'"):
        run_names.by_rule(frame, ["best"])
    frame.loc[frame["label"] == "b", "test.fusion.uniform.accuracy"] = None
    with pytest.raises(mla.ConfigError, match=r"without 'test\.fusion\.uniform\.accuracy': b"):
        run_names.by_rule(frame)


def experiments(**settings):
    defaults = {"dataset": "emoji", "modalities": "[]", "missing": "{}", "method": "mla"}
    defaults |= {"method_options": "{}", "head_gradient": "off", "epochs": 5}
    return pd.DataFrame(
        [
            defaults | {"seed": s, "learning_rate": rate, "run": f"{rate}{s}"} | settings
            for rate, s in itertools.product((0.01, 0.1), (0, 1))
        ]
    ).assign(**{"val.accuracy": [0.5, 0.6, 0.6, 0.7], "test.accuracy": [0.9, 0.9, 0.1, 0.2]})


def test_the_learning_rate_is_chosen_on_val_whatever_test_says():
    both = pd.concat([experiments(), experiments(method="concat").iloc[:3]])
    chosen = chosen_runs(both)
    assert chosen["test.accuracy"].tolist() == [0.1, 0.2, 0.9, 0.9]
    assert chosen["learning_rate"].tolist() == [0.1, 0.1, 0.01, 0.01], "0.1 lacks a seed of concat"


def test_runs_with_missing_parts_start_at_their_complete_counterparts():
    options = {"method_options": '{"absent":"zeros"}'}
    parts = [
        experiments(**options, missing=missing).iloc[:2]
        for missing in ("{}", '{"train":{"image":0.5}}', '{"train":{"audio":0.9}}')
    ]
    runs = run_names.with_names(pd.concat(parts, ignore_index=True))
    found = with_rates(runs)
    curves = found.groupby("masked")[["rate", "run"]].agg(list)
    assert curves.loc["image"].tolist() == [[0.0, 0.0, 0.5, 0.5], ["0.010", "0.011"] * 2]
    assert curves.loc["audio"].tolist() == [[0.0, 0.0, 0.9, 0.9], ["0.010", "0.011"] * 2]
    assert set(found["label"]) == {"mla (off, absent zeros)"}
    assert set(found["condition"]) == {"emoji"}
    with pytest.raises(
        mla.ConfigError, match=r"complete data for mla \(off, absent zeros\), seed 1"
    ):
        with_rates(runs.drop(index=1))
    with pytest.raises(mla.ConfigError, match="must be one number"):
        with_rates(runs.replace('{"train":{"image":0.5}}', '{"train":0.1,"test":0.2}'))


def test_what_is_missing_at_test_only_comes_from_the_columns():
    frame = runs(a=BASE).assign(run="r", **{"test.missing_curve.30%": 0.25})
    found = at_test_only(frame)
    assert sorted(set(found["rate"])) == [0.0, 0.3]
    assert set(found.loc[found["rate"] == 0.3, "test.accuracy"]) == {0.25}
    assert found.loc[found["rate"] == 0.0, "test.accuracy"].tolist() == BASE


def test_results_that_are_not_there_say_which_command_makes_them(tmp_path):
    command = "mla-lab sweep experiments/table1.toml --jobs 2 --results results/table1.csv"
    with pytest.raises(mla.ConfigError, match=command):
        load_results(tmp_path, "table1")


def test_leftover_is_what_sherman_and_morrison_say(torch_features):
    r = torch_features.double().mean(0)
    expected = 0.1 / (0.1 + float(r @ r))
    assert audit.leftover("paper", torch_features, relative=False) == pytest.approx(expected)
    assert audit.leftover("paper_previous", torch_features) == pytest.approx(1.0)
    assert audit.leftover("released", torch_features) == 1.0
    assert audit.leftover("released_enabled", torch_features) > 100 * expected


def test_leftover_of_the_elementwise_variants_is_what_numpy_says(torch_features):
    r = torch_features.double().mean(0).numpy()
    P = np.eye(len(r)) - np.outer(r, r) / (0.1 + np.outer(r, r))
    P /= np.linalg.norm(P)
    enabled = np.linalg.norm(P @ r) / np.linalg.norm(P, 2) / np.linalg.norm(r)
    added = np.linalg.norm(r + P @ r) / np.linalg.norm(r)
    assert audit.leftover("released_enabled", torch_features) == pytest.approx(enabled)
    assert audit.leftover("additive", torch_features, relative=False) == pytest.approx(added)


@pytest.fixture
def torch_features():
    return torch.rand(32, 24, generator=torch.Generator().manual_seed(0)) + 1


def test_verdicts_on_what_amplifies_rounding_say_so():
    frame = runs(a=BASE, b=BASE, c=BASE)
    frame["head_gradient"] = frame["label"].map({"a": "additive", "b": "off", "c": "paper"})
    told = "additive amplifies rounding: on another machine the same run may end elsewhere."
    first, second = (compare(frame, label, "b") for label in "ac")
    assert first.text.endswith(f": the same. {told}")
    assert "rounding" not in second.text
    assert tally([first, second]).endswith(told)


def test_a_label_says_how_a_run_predicts_only_where_runs_differ_in_it():
    frame = pd.DataFrame(
        {
            "method": ["mla", "late_fusion", "concat"],
            "head_gradient": "off",
            "fusion": ["product", "product", "entropy"],
            "averaging": [3.0, 0.0, 0.0],
            "temperature": "fitted",
            "stopping": ["best_nll", "best", "best"],
        }
    )
    assert run_names.with_names(frame)["label"].tolist() == [
        "mla (off, fused by product, averaged, epoch by NLL)",
        "late_fusion (fused by product, epoch by accuracy)",
        "concat (epoch by accuracy)",
    ]
