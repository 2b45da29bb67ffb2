"""The specifications in experiments/: each can be run, compares fairly, and has its results."""

import json
import re
from functools import cache

import pytest

from mla_core.methods import METHODS, method_class
from mla_core.results import collect, read
from mla_core.results.tables import table
from mla_core.runs.specification import read_specification
from mla_core.runs.sweep import run_sweep
from tests import ROOT

SPECIFICATIONS = sorted((ROOT / "experiments").glob("*.toml"))
RESULTS = [p for p in SPECIFICATIONS if p.stem != "quick"]
shipped = cache(read_specification)  # hundreds of configurations each


@pytest.mark.parametrize("path", SPECIFICATIONS, ids=lambda path: path.stem)
def test_a_specification_has_a_question_five_seeds_and_chooses_on_val(path):
    specification = shipped(path)
    assert specification.description.strip("?. )")
    for config in specification.configurations:
        assert config.stopping != "last"
    reported = specification.configurations
    if specification.protocol is not None:  # whichever candidate is chosen
        reported = specification.protocol.second([0] * len(specification.protocol.cells))
    seeds = {config.seed for config in reported}
    assert len(seeds) >= 5
    settings = {json.dumps(config.to_dict() | {"seed": 0}) for config in reported}
    assert len(reported) == len(seeds) * len(settings)


def test_equal_compute_within_a_data_set():
    specification = shipped(ROOT / "experiments" / "table1.toml")
    epochs = {(c.dataset, c.epochs, c.batch_size) for c in specification.configurations}
    assert len(epochs) == len({dataset for dataset, _, _ in epochs})
    rates = {}
    for c in specification.configurations:
        rates.setdefault((c.dataset, c.method, c.head_gradient), set()).add(c.learning_rate)
    assert len(set(map(frozenset, rates.values()))) == 1


@pytest.mark.long
def test_the_quick_experiment_runs_every_method(tmp_path):
    text = (ROOT / "experiments" / "quick.toml").read_text()
    for much, little in (
        ("seed = [0, 1, 2, 3, 4]", "seed = 0"),
        ("epochs = 8", "epochs = 1"),
        ("learning_rate = [0.01, 0.03]", "learning_rate = 0.01"),
        ("sizes = [300, 150, 300]", "sizes = [100, 50, 50]"),
    ):
        assert much in text
        text = text.replace(much, little)
    (tmp_path / "quick.toml").write_text(text)
    specification = read_specification(tmp_path / "quick.toml")
    report = run_sweep(specification, tmp_path / "runs")
    assert report.failures == ()
    frame = collect(tmp_path / "runs")
    assert {*frame["method"], "unimodal"} == {*METHODS}
    cells = table(frame, "method,head_gradient", choose="learning_rate").cells
    assert len(cells) == len(METHODS)  # mla twice, unimodal not at all
    passes = {one: method_class(one).passes for one in METHODS}
    steps = frame["compute.encoder_passes"] / frame["method"].map(passes)
    assert steps.round().nunique() == 1


@pytest.mark.parametrize("path", RESULTS, ids=lambda path: path.stem)
def test_the_results_are_those_of_the_specification(path):
    frame = read(ROOT / "results" / f"{path.stem}.csv")
    provenance = json.loads((ROOT / "results" / f"{path.stem}.json").read_text())
    specification = shipped(path)
    failed = {failure["run"] for failure in provenance.get("failures", [])}
    assert {*frame["run"]} == {*specification.collected(provenance.get("choices"))} - failed
    assert provenance["specification"] == path.read_text()
    assert frame["seed"].nunique() >= 10
    assert re.fullmatch("[0-9a-f]{40}", provenance["commit"])  # a clean one
    assert provenance["computed_now"] == len(frame)
    # As the Makefile calls it: nobody's folders stand in the project.
    made = f"--out runs/experiments --results results/{path.stem}.csv"
    assert provenance["command"].endswith(made)


def test_nothing_but_results_lies_beside_them():
    names = {f"{path.stem}.{kind}" for path in RESULTS for kind in ("csv", "json")}
    assert {path.name for path in (ROOT / "results").iterdir()} == names | {"README.md"}
