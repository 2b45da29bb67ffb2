"""Guests: what is not built in gets a name in three ways, is tried once, and runs like the rest."""

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import torch

import mla_core as mla
from mla_core import plugins, references
from mla_core.analysis import rules_for
from mla_core.config import data_of
from mla_core.data.corruption import Corruptor, Damage
from tests import ROOT

SMALL = {
    "dataset": "gaussian",
    "dataset_options": {"sizes": [60, 30, 30], "classes": 4},
    "epochs": 1,
    "batch_size": 16,
    "feature_size": 8,
}
KINDS = {
    "fusion": {"fusion": "{}:sharpest"},
    "fused logits": {"fusion": "{}:product"},
    "head gradient": {"head_gradient": "{}:Forgetful"},
    "method": {"method": "{}:Patient"},
    "method with options": {"method": "{}:Patient", "method_options": {"share": 0.25}},
    "bare method": {"method": "{}:Counting"},
    "data": {"dataset": "{}:two_clouds", "dataset_options": {"noise": 1.0}},
    "encoder": {"encoders": {"m0": "{}:Wide"}},
    "number": {"metrics": ["{}:top_two"]},
}


def named(settings, lab):
    if isinstance(settings, str):
        return settings.replace("{}", lab)
    if isinstance(settings, dict):
        return {key: named(value, lab) for key, value in settings.items()}
    return [named(value, lab) for value in settings] if isinstance(settings, list) else settings


def config_of(kind, lab, **more):
    return mla.ExperimentConfig(**(SMALL | named(KINDS[kind], lab) | more))


def write(lab, text):
    """Write the module anew, where it is found."""
    (file,) = (p for place in sys.path if (p := Path(place, f"{lab}.py")).is_file())
    file.write_text(textwrap.dedent(text), encoding="utf-8")


# ------------------------------------------------------------------------------ they run like the rest


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


# ------------------------------------------------------------------------------------- the three ways


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


# ---------------------------------------------------------------------------------- tried when first used

FAULTS = {
    "weights of another shape": (
        "fusion",
        "def x(logits, present): return logits[0]  # (N, C) would be fused, this is (N, C)\n"
        "def x(logits, present): return present[0]",
        r"must return weights \(M, N\).*or fused logits \(N, C\)",
    ),
    "weights for absent parts": (
        "fusion",
        "import torch\ndef x(logits, present): return torch.ones(present.shape)",
        "0 where a part is absent",
    ),
    "negative weights": (
        "fusion",
        "def x(logits, present): return -1.0 * present",
        "at least 0",
    ),
    "nan": (
        "fusion",
        "def x(logits, present): return present * float('nan')",
        "finite",
    ),
    "random weights": (
        "fusion",
        "import torch\ndef x(logits, present): return torch.rand(present.shape) * present",
        "the same every time",
    ),
    "logits changed in place": (
        "fusion",
        "def x(logits, present):\n    logits *= 2\n    return present.float()",
        "leave logits and presence as they are",
    ),
    "a rule that raises": (
        "fusion",
        "def x(logits, present): return logits.no_such_thing",
        "fusion '.*:x' does not work on logits.*AttributeError",
    ),
    "no project": (
        "head_gradient",
        "class x:\n    def update(self, features): pass",
        "it lacks project, state_dict, load_state_dict",
    ),
    "a projection of another shape": (
        "head_gradient",
        "from mla_core.head import Variant\n"
        "class x(Variant):\n    def project(self, gradient): return gradient.T",
        r"a tensor \(C, s\) = \(3, 4\)",
    ),
    "a gradient changed in place": (
        "head_gradient",
        "from mla_core.head import Variant\n"
        "class x(Variant):\n    def project(self, gradient): return gradient.mul_(0.5)",
        "leave the gradient itself",
    ),
    "state that is lost": (
        "head_gradient",
        "from mla_core.head import Variant\n"
        "class x(Variant):\n"
        "    seen = 0\n"
        "    def update(self, features): self.seen = self.seen + 1\n"
        "    def project(self, gradient): return gradient / (1 + self.seen)",
        "survive a snapshot",
    ),
    "no class": ("method", "x = 3", "a method must be a class"),
    "half a bare method": ("method", "class x:\n    def plan(self): pass", "lacks step, predict"),
    "an abstract method": (
        "method",
        "from mla_core.methods import OneAtATime\nclass x(OneAtATime): pass",
        "must define build_head, head_of",
    ),
    "a method that draws by itself": (
        "method",
        "import os\nfrom mla_core.methods.ensemble import Ensemble\n"
        "class x(Ensemble):\n"
        "    def move(self, *given):\n"
        "        self.head_of(given[0]).weight.grad *= os.urandom(1)[0] / 100 + 0.1\n"
        "        return super().move(*given)",
        "the same for the same seed",
    ),
    "a method that forgets": (
        "method",
        "from mla_core.methods.ensemble import Ensemble\n"
        "class x(Ensemble):\n"
        "    seen = 1.0\n"
        "    def move(self, *given):\n"
        "        self.seen *= 1.5\n"
        "        self.head_of(given[0]).weight.grad *= self.seen\n"
        "        return super().move(*given)",
        "survive a snapshot",
    ),
    "a number that is none": (
        "metrics",
        "def x(evaluation): return 'good'",
        "must return a number",
    ),
    "a number without an end": (
        "metrics",
        "def x(evaluation): return float('inf')",
        "finite numbers",
    ),
    "no data": ("dataset", "x = 3", "must be a function that returns a MultimodalDataset"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_wrong_with_a_guest_is_told_when_it_is_named(fault, lab):
    field, source, said = FAULTS[fault]
    write(lab, source)
    value = [f"{lab}:x"] if field == "metrics" else f"{lab}:x"
    with pytest.raises(mla.ConfigError, match=f"(?s){lab}.*{said}|{said}"):
        mla.ExperimentConfig(**{field: value})
    write(lab, "x = None")  # and again, when it is something else


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("def x(modality): return 3", "must return a torch.nn.Module"),
        ("def x(modality): return 1 / 0", "cannot be built for 'm0'.*ZeroDivisionError"),
        ("import torch\ndef x(modality): return torch.nn.Linear(3, 4)", "cannot read vector"),
        ("import torch\nx = lambda modality: torch.nn.Unflatten(1, (4, 4))", r"features \(B, d\)"),
        (
            "import os, torch\n"
            "def x(modality):\n"
            "    torch.manual_seed(int.from_bytes(os.urandom(3), 'big'))\n"
            "    return torch.nn.Linear(16, 4)",
            "the same for the same seed",
        ),
    ],
)
def test_what_is_wrong_with_an_encoder_is_told_when_it_is_built(source, said, lab):
    write(lab, source)
    config = mla.ExperimentConfig(**SMALL, encoders={"m0": f"{lab}:x"})
    with pytest.raises(mla.ConfigError, match=f"(?s){said}"):
        mla.TrainingSession(config)


def test_a_data_set_of_your_own_must_return_one(lab):
    write(lab, "def x(): return 3")
    config = mla.ExperimentConfig(dataset=f"{lab}:x")
    with pytest.raises(mla.ConfigError, match="must return a MultimodalDataset, not int"):
        mla.TrainingSession(config)


def test_options_of_guests_are_checked_like_any(lab):
    with pytest.raises(mla.ConfigError, match="has no option 'shares'"):
        config_of("method", lab, method_options={"shares": 1.0})
    with pytest.raises(mla.ConfigError, match="has no option 'noisy'"):
        config_of("data", lab, dataset_options={"noisy": 1.0})


# ------------------------------------------------------------------------------ two sources, two names


def test_a_changed_file_is_imported_anew_and_names_another_run(lab):
    write(lab, "def x(logits, present): return present / present.sum(0).clamp_min(1)")
    first = mla.ExperimentConfig(**SMALL, fusion=f"{lab}:x")
    before = first.hash
    assert mla.TrainingSession(first).evaluate("val").weights.max() == pytest.approx(1 / 3)
    write(lab, "def x(logits, present): return 2 * present / present.sum(0).clamp_min(1)")
    assert first.hash == before, "what was imported is what runs"
    second = mla.ExperimentConfig(**SMALL, fusion=f"{lab}:x")
    assert second.hash != before
    assert mla.TrainingSession(second).evaluate("val").weights.max() == pytest.approx(2 / 3)


def test_a_change_in_a_file_beside_it_names_another_run(lab, tmp_path):
    helper = f"{lab}_helper"
    names = []
    for value in (1.0, 2.0):
        (tmp_path / "lab" / f"{helper}.py").write_text(f"FACTOR = {value}\n", encoding="utf-8")
        write(
            lab,
            f"""
            from {helper} import FACTOR
            def x(logits, present): return FACTOR * present / present.sum(0).clamp_min(1)
            """,
        )
        config = mla.ExperimentConfig(**SMALL, fusion=f"{lab}:x")
        names.append(config.hash)
        total = mla.TrainingSession(config).evaluate("val").weights.sum(0)
        assert total.max() == pytest.approx(value)
    assert len(set(names)) == 2


def test_the_same_source_has_the_same_name_in_another_process(lab):
    config = config_of("fusion", lab)
    code = (
        f"import mla_core as mla\nprint(mla.ExperimentConfig.from_json({json.dumps(config.to_dict())!r}, "
        f"allow_import=[{lab!r}]).hash)"
    )
    path = os.pathsep.join(sys.path)
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONPATH": path},
    )
    assert done.stdout.strip() == config.hash


NOTEBOOK = """
import mla_core as mla
FACTOR = {factor}
def scaled(x):
    return FACTOR * x
@mla.fusion.register("mine")
def mine(logits, present):
    return scaled(present / present.sum(0).clamp_min(1))
print(mla.ExperimentConfig(fusion="mine").hash)
"""


def test_what_a_script_registered_is_named_by_its_source_and_what_it_uses(tmp_path):
    script, names = tmp_path / "script.py", []
    for factor in (1.0, 1.0, 2.0):
        script.write_text(NOTEBOOK.format(factor=factor), encoding="utf-8")
        done = subprocess.run(
            [sys.executable, script],
            capture_output=True,
            text=True,
            check=True,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )
        names.append(done.stdout.strip())
    assert names[0] == names[1] != names[2]


# ------------------------------------------------------------------------------ files from elsewhere


TRAP = "open({marker!r}, 'w').close()\ndef x(*a): return 0"


@pytest.fixture
def trap(lab, tmp_path):
    """A module that leaves a mark when it is imported, and has not been named by anybody."""
    marker = tmp_path / "imported"
    write(lab, TRAP.format(marker=str(marker)))
    references._ALLOWED.discard(lab)
    return f"{lab}:x", marker


@pytest.mark.parametrize(
    "field", ["dataset", "method", "head_gradient", "fusion", "metrics", "encoders"]
)
def test_json_from_elsewhere_imports_nothing_and_says_how_to_allow_it(field, trap):
    name, marker = trap
    value = {"metrics": [name], "encoders": {"image": name}}.get(field, name)
    with pytest.raises(mla.ConfigError, match=r"runs the code of the module.*--allow-import"):
        mla.ExperimentConfig.from_json(json.dumps({field: value}))
    looked = mla.ExperimentConfig.to_look_at({field: value})
    assert looked.to_dict()[field] == value
    looked.replace(seed=3)
    with pytest.raises(plugins.ImportNotAllowedError):
        looked.hash  # noqa: B018
    assert not marker.exists()
    if field not in {"encoders", "dataset"}:  # these are looked up when a session is made
        with pytest.raises(mla.ConfigError):
            mla.TrainingSession(looked)
    assert not marker.exists()


def test_what_is_allowed_is_imported(trap):
    name, marker = trap
    with pytest.raises(mla.ConfigError, match="fusion"):  # it is imported, and no rule
        mla.ExperimentConfig.from_json(f'{{"fusion": "{name}"}}', allow_import=[name.split(":")[0]])
    assert marker.exists()


# ------------------------------------------------------------------------------------------- processes


def test_what_only_this_process_knows_cannot_be_swept_by_several(tmp_path):
    from mla_core.runs import Specification, run_sweep

    mla.fusion.register("here_alone")(lambda logits, present: present / present.sum(0).clamp_min(1))
    config = mla.ExperimentConfig(**SMALL, fusion="here_alone")
    specification = Specification("one", "?", None, (config,), "")
    with pytest.raises(mla.ConfigError, match=r"'here_alone'.*file.*my_lab:here_alone"):
        run_sweep(specification, tmp_path, jobs=2)
    assert len(run_sweep(specification, tmp_path, jobs=1).finished) == 1


def test_a_sweep_with_two_processes_finds_a_file(lab, tmp_path):
    from mla_core.runs import Specification, run_sweep

    configs = tuple(config_of("fusion", lab, seed=seed) for seed in range(3))
    report = run_sweep(Specification("three", "?", None, configs, ""), tmp_path, jobs=2)
    assert [str(f) for f in report.failures] == []
    assert {folder.name for folder in report.finished} == {config.hash for config in configs}


def test_replacing_names_anew_what_the_user_wrote_also_inside_encoders(trap):
    name, marker = trap
    looked = mla.ExperimentConfig.to_look_at({"fusion": "entropy"})
    with pytest.raises(mla.ConfigError):  # imported, and no rule
        looked.replace(fusion=name)
    assert marker.exists()


def test_replacing_trusts_an_encoder_of_ones_own(lab):
    references._ALLOWED.discard(lab)
    config = mla.ExperimentConfig(**SMALL).replace(encoders={"m0": f"{lab}:Wide"})
    assert mla.TrainingSession(config).guests[0].name == f"{lab}:Wide"


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
    from mla_core.analysis.contribution import subset_accuracies

    session = mla.TrainingSession(config_of("bare method", lab))
    session.advance(steps=1)
    with pytest.raises(mla.ConfigError, match="does not say what its head makes of features"):
        slow_step(session)
    values = subset_accuracies(session.method, session.data.split("val"))
    assert len(values) == 2**3
    assert values[frozenset(["m0"])] == values[frozenset(["m0", "m1"])], "it knows counts alone"


def test_a_python_call_may_name_code_and_a_configuration_from_elsewhere_may_not(lab, trap):
    references._ALLOWED.discard(lab)
    looked = mla.ExperimentConfig.to_look_at({"dataset": f"{lab}:x", "head_gradient": f"{lab}:x"})
    with pytest.raises(plugins.ImportNotAllowedError):
        mla.TrainingSession(looked)
    with pytest.raises(plugins.ImportNotAllowedError):
        data_of(looked)
    assert not trap[1].exists()
    write(
        lab, "import mla_core as mla\ndef x(): return mla.load_dataset('gaussian', sizes=(9, 9, 9))"
    )
    assert len(mla.load_dataset(f"{lab}:x").split("val")) == 9


def test_repeat_imports_what_a_file_names_only_when_told_to(lab, tmp_path, capsys):
    from mla_core.cli import main

    file = tmp_path / "config.json"
    file.write_text(json.dumps(config_of("fusion", lab).to_dict()), encoding="utf-8")
    references._ALLOWED.discard(lab)
    sys.modules.pop(lab)
    command = ["repeat", str(file), "--out", str(tmp_path / "runs")]
    assert main(command) == 2
    assert f"--allow-import {lab}" in capsys.readouterr().err
    assert lab not in sys.modules
    assert main([*command, "--allow-import", lab]) == 0


def test_a_notebooks_run_is_named_by_the_source_that_its_parameters_name(lab, tmp_path):
    folder = tmp_path / "lab"
    names = []
    for value in ("1", "2", "1"):
        write(lab, f"x = {value}")
        names.append(plugins.sources_of({"epochs": 3, "list": [f"{lab}:x"]}, folder))
    assert names[0] == names[2] != names[1]
    assert list(names[0]) == [f"{lab}:x"]
    assert plugins.sources_of({"method": "mla", "title": "A: a colon"}) == {}
