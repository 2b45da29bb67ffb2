"""Two sources never share a name: of a run, in a file, a script or a notebook."""

import json
import os
import subprocess
import sys

import pytest

import mla_core as mla
from mla_core import plugins
from tests import ROOT
from tests.core.guests import SMALL, config_of, write


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


def test_a_notebooks_run_is_named_by_the_source_that_its_parameters_name(lab, tmp_path):
    folder = tmp_path / "lab"
    names = []
    for value in ("1", "2", "1"):
        write(lab, f"x = {value}")
        names.append(plugins.sources_of({"epochs": 3, "list": [f"{lab}:x"]}, folder))
    assert names[0] == names[2] != names[1]
    assert list(names[0]) == [f"{lab}:x"]
    assert plugins.sources_of({"method": "mla", "title": "A: a colon"}) == {}
