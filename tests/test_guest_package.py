"""A package of somebody else's, installed with pip: listed, swept, taken away, repeated."""

import json
import os
import subprocess
import sys

import pytest

from mla_core import plugins
from mla_core.cli import main
from tests import ROOT
from tests.conftest import CATALOGUES
from tests.guests.package import install

SWEEP = """
description = "Does somebody else's package run like ours?"
[common]
dataset = "two_clouds"
epochs = 1
batch_size = 16
feature_size = 8
metrics = [["top_two"]]
[[grid]]
method = ["mla"]
head_gradient = ["forgetful", "paper"]
fusion = ["sharpest"]
[[grid]]
method = ["patient"]
fusion = ["experts"]
[[grid]]
method = ["counting"]
[[grid]]
method = ["mla"]
encoders = [{left = "wide"}]
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    return install(tmp_path_factory.mktemp("guest"))


@pytest.fixture(scope="module")
def mla_lab(site, tmp_path_factory):
    """Run the command where the package is installed, in a folder of its own."""
    here = tmp_path_factory.mktemp("work")
    code = "import sys; from mla_core.cli import main; sys.exit(main())"
    env = os.environ | {"PYTHONPATH": os.pathsep.join([str(site), str(ROOT)])}

    def run(*words, code_expected=0):
        done = subprocess.run(
            [sys.executable, "-c", code, *map(str, words)],
            cwd=here,
            env=env,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code_expected, done.stderr
        return done.stdout + done.stderr

    run.here = here
    return run


@pytest.fixture
def in_this_process(site, mla_lab, monkeypatch, capsys):
    """Run the command where the package is installed, without a start of its own."""

    def forget():
        plugins._entry_points.cache_clear()
        sys.modules.pop("guest_lab", None)
        for catalogue in CATALOGUES:
            catalogue.__dict__.pop("_installed", None)

    def run(*words):
        assert main([*map(str, words)]) == 0
        return "".join(capsys.readouterr())

    forget()
    monkeypatch.syspath_prepend(site)
    monkeypatch.chdir(mla_lab.here)
    yield run
    forget()


@pytest.fixture(scope="module")
def swept(mla_lab):
    """Run the sweep with two processes, and return the run folders."""
    (mla_lab.here / "guests.toml").write_text(SWEEP, encoding="utf-8")
    said = mla_lab("sweep", "guests.toml", "--jobs", "2", "--results", "guests.csv")
    assert "5 finished, 0 skipped" in said
    return sorted((mla_lab.here / "runs" / "guests").glob("[0-9a-f]*"))


def test_what_a_package_brings_is_listed_with_its_name_and_version(mla_lab):
    said = mla_lab("list")
    for name in [
        "patient",
        "counting",
        "sharpest",
        "experts",
        "forgetful",
        "two_clouds",
        "wide",
        "top_two",
        "dark",
    ]:
        assert f"  {name:18} from the package guest-lab 1.2.3" in said
    assert "'concat' of the package guest-lab 1.2.3 is not used: MLA Lab itself brings" in said


def test_every_run_of_a_sweep_says_whose_code_it_was(swept):
    kinds = set()
    for folder in swept:
        metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
        assert 0.5 <= metrics["val"]["top_two"] <= 1
        for guest in metrics["guests"]:
            assert (guest["package"], guest["version"]) == ("guest-lab", "1.2.3")
            assert guest["module"] == "guest_lab"
            kinds.add(guest["kind"])
    assert kinds == {"methods", "fusion", "head_gradients", "datasets", "encoders", "metrics"}


def test_tables_name_the_guests(in_this_process, swept):
    said = in_this_process("table", "guests.csv", "--rows", "method,fusion,head_gradient")
    for name in ("patient", "counting", "sharpest", "forgetful"):
        assert name in said


def test_a_guests_run_is_exported_listed_and_repeated(in_this_process, mla_lab, swept):
    run = swept[0]
    assert "test" in in_this_process("list", run.parent)
    in_this_process("export", run, "--html", "page.html")
    page = (mla_lab.here / "page.html").read_text(encoding="utf-8")
    assert "two_clouds" in page
    assert "finished before" not in in_this_process("repeat", run, "--out", "again")
    again = mla_lab.here / "again" / run.name
    first, second = (
        json.loads((folder / "metrics.json").read_text(encoding="utf-8")) for folder in (run, again)
    )
    assert first == second


def test_another_source_of_the_package_is_another_run(mla_lab, site, swept):
    """Last, since it changes the package."""
    file = site / "guest_lab.py"
    file.write_text(file.read_text(encoding="utf-8") + "\nNEWER = True\n", encoding="utf-8")
    said = mla_lab("sweep", "guests.toml", "--dry-run")
    assert "0 done before" in said
