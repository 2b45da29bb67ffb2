"""Guests: what is not built in gets a name in three ways, and runs like the rest."""

import pytest
import torch

import mla_core as mla
from mla_core import references
from mla_core.analysis import rules_for
from mla_core.data.corruption import Corruptor, Damage
from tests.core.guests import KINDS, SMALL, config_of


@pytest.mark.parametrize("kind", KINDS)
def test_a_guest_trains_the_same_stepped_restored_and_forked(kind, lab):
    config = config_of(kind, lab)
    whole, parts = mla.TrainingSession(config), mla.TrainingSession(config)
    while whole.advance(steps=1):
        pass
    parts.advance(steps=3)
    snapshot = parts.snapshot()
    parts.advance(steps=2)
    parts.restore(snapshot)
    twin = parts.fork()
    for session in (parts, twin):
        session.advance(epochs=1)
        assert session.history.steps == whole.history.steps
        assert torch.equal(session.evaluate("val").fused, whole.evaluate("val").fused)


@pytest.mark.parametrize("kind", KINDS)
def test_a_guests_run_leaves_a_folder_that_says_whose_code_it_was(kind, lab, tmp_path):
    folder = mla.run_experiment(config_of(kind, lab), tmp_path / "runs")
    from mla_core.runs import read_run

    run = read_run(folder)
    (guest,) = run.metrics["guests"]
    assert guest["module"] == lab
    assert len(guest["source"]) == 64
    assert run.accuracy("test") is not None
    if kind == "number":
        assert 0 <= run.metrics["val"][f"{lab}:top_two"] <= 1
        assert run.history().summaries[-1].numbers[f"{lab}:top_two"] >= 0


def test_a_run_without_guests_says_nothing_of_them(tmp_path):
    from mla_core.runs import read_run

    assert (
        "guests"
        not in read_run(mla.run_experiment(mla.ExperimentConfig(**SMALL), tmp_path)).metrics
    )


def test_a_rule_of_weights_and_a_rule_of_logits_do_what_they_say(lab):
    logits = torch.tensor([[[3.0, 0.0]], [[0.0, 1.0]]])
    references.user_named(f"{lab}:sharpest", f"{lab}:product")
    weights, fused = mla.fusion.fused_by_rule(f"{lab}:sharpest", logits)
    assert weights.tolist() == [[1.0], [0.0]]
    assert torch.equal(fused, logits[0])
    _, fused = mla.fusion.fused_by_rule(f"{lab}:product", logits)
    torch.testing.assert_close(fused, torch.log_softmax(logits, -1).sum(0))
    assert mla.fusion.rule_weighs(f"{lab}:sharpest")
    assert not mla.fusion.rule_weighs(f"{lab}:product")


def test_a_sample_without_any_part_is_no_answer_under_a_rule_of_logits(lab):
    references.user_named(f"{lab}:product")
    logits = torch.randn(2, 3, 4)
    present = torch.tensor([[True, False, True], [True, False, False]])
    _, fused = mla.fusion.fused_by_rule(f"{lab}:product", logits, present)
    assert torch.equal(fused[1], torch.zeros(4))


def test_a_variant_has_a_p_and_a_plasticity_even_if_it_keeps_none(lab):
    hgm = mla.HeadGradientModification(4, 0.5, f"{lab}:Forgetful")
    assert torch.equal(hgm.P, torch.eye(4, dtype=torch.float64))
    hgm.update(torch.tensor([[1.0, 0.0, 0.0, 0.0]]))
    expected = torch.diag(torch.tensor([1 / 3, 1.0, 1.0, 1.0])).double()
    torch.testing.assert_close(hgm.P, expected)
    assert hgm.plasticity == pytest.approx((1 / 3 + 3) / 4)


def test_a_corruption_is_found_for_its_kinds_of_modality(lab):
    data = mla.load_dataset("gaussian", sizes=(60, 20, 20))
    corruptor, val = Corruptor(data), data.split("val")
    spoilt = corruptor.corrupt(val, [Damage("m1", f"{lab}:dark", 0.5)])
    torch.testing.assert_close(spoilt.inputs["m1"], val.inputs["m1"] / 2)
    assert f"{lab}:dark" in corruptor.corruptions("m0")


def test_a_guest_is_among_the_choices_once_it_was_used(lab):
    session = mla.TrainingSession(config_of("fusion", lab))
    assert f"{lab}:sharpest" in mla.fusion.RULES
    assert rules_for(session.method)[0] == f"{lab}:sharpest"


def test_registered_in_a_notebook_and_registered_again_when_its_cell_is_run_again():
    for factor in (1.0, 2.0):

        @mla.fusion.register("louder")
        def louder(logits, present, factor=factor):
            return factor * present / present.sum(0).clamp_min(1)

    session = mla.TrainingSession(mla.ExperimentConfig(**SMALL, fusion="louder"))
    assert session.evaluate("val").weights.sum(0).unique().tolist() == pytest.approx([2.0])


def test_a_name_that_is_taken_or_impossible_is_refused():
    with pytest.raises(mla.ConfigError, match="fusion 'entropy' already"):
        mla.fusion.register("entropy")(lambda logits, present: present)
    mla.metrics.register("mine")(lambda evaluation: 1.0)
    with pytest.raises(mla.ConfigError, match="number 'mine' already"):
        mla.metrics.register("mine")(torch.nn.Linear)
    for bad in ("my rule", "a:b", "", 3):
        with pytest.raises(mla.ConfigError, match="letters, digits"):
            mla.fusion.register(bad)


def test_every_catalogue_of_the_public_names_can_register():
    for catalogue in (
        mla.methods,
        mla.fusion,
        mla.head_gradients,
        mla.datasets,
        mla.encoders,
        mla.metrics,
        mla.corruptions,
    ):
        assert callable(catalogue.register("a_name"))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"fusion": "no_such_module:f"}, "fusion 'no_such_module:f' cannot be imported.*current"),
        ({"fusion": "math:no_such"}, "fusion 'math:no_such' cannot be imported"),
        ({"fusion": "entropi"}, "unknown fusion 'entropi'.*my_module:object.*mean 'entropy'"),
        ({"metrics": ["ece"]}, "ece.* always there"),
        ({"metrics": ["math:pi", "math:pi"]}, "none twice"),
        ({"metrics": "math:pi"}, "must be a list"),
    ],
)
def test_a_name_that_leads_nowhere_is_told(settings, said):
    with pytest.raises(mla.ConfigError, match=f"(?s){said}"):
        mla.ExperimentConfig(**settings)


def test_what_only_this_process_knows_cannot_be_swept_by_several(tmp_path):
    from mla_core.runs import Specification, run_sweep

    mla.fusion.register("here_alone")(lambda logits, present: present / present.sum(0).clamp_min(1))
    config = mla.ExperimentConfig(**SMALL, fusion="here_alone")
    specification = Specification("one", "?", None, (config,), "")
    with pytest.raises(mla.ConfigError, match=r"'here_alone'.*file.*my_lab:here_alone"):
        run_sweep(specification, tmp_path, jobs=2)
    assert len(run_sweep(specification, tmp_path, jobs=1).finished) == 1


def test_the_process_of_a_sweep_finds_a_file(lab, tmp_path):
    from mla_core.runs import Specification, run_sweep

    config = config_of("fusion", lab)
    report = run_sweep(Specification("one", "?", None, (config,), ""), tmp_path, jobs=2)
    assert [str(f) for f in report.failures] == []
    assert [folder.name for folder in report.finished] == [config.hash]


def test_a_run_of_what_nobody_knows_here_any_more_can_still_be_looked_at(tmp_path):
    from mla_core.catalogue import traits, weighs
    from mla_core.runs import read_run

    mla.fusion.register("gone")(lambda logits, present: present / present.sum(0).clamp_min(1))
    folder = mla.run_experiment(mla.ExperimentConfig(**SMALL, fusion="gone"), tmp_path)
    mla.fusion.RULES._registered.clear()
    mla.fusion.RULES._guests.clear()
    run = read_run(folder)
    assert run.config.fusion == "gone"
    assert run.history().summaries
    assert traits("gone too").one_at_a_time is False
    assert weighs("mla", "gone")
    with pytest.raises(mla.ConfigError, match="unknown fusion 'gone'"):
        mla.ExperimentConfig.from_json((folder / "config.json").read_text(encoding="utf-8"))


def test_a_bare_method_says_which_views_need_more_than_it_tells(lab):
    from mla_core.analysis import slow_step
    from mla_core.methods import subset_accuracies

    session = mla.TrainingSession(config_of("bare method", lab))
    session.advance(steps=1)
    with pytest.raises(mla.ConfigError, match="does not say what its head makes of features"):
        slow_step(session)
    values = subset_accuracies(session.method, session.data.split("val"))
    assert len(values) == 2**3
    assert values[frozenset(["m0"])] == values[frozenset(["m0", "m1"])], "it knows counts alone"
