"""environment.yml, pyproject.toml and constraints.txt name the same packages."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[1]
RENAMED = {"pytorch": "torch"}  # conda's name -> pip's name

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CONDA = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))


def by_name(lines: list[str]) -> dict[str, SpecifierSet]:
    requirements = [Requirement(line) for line in lines]
    assert len({r.name for r in requirements}) == len(requirements), "a package is named twice"
    return {canonicalize_name(r.name): r.specifier for r in requirements}


def pinned() -> dict[str, Version]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = by_name([line for line in lines if line and not line.startswith("#")])
    assert all([s.operator for s in pin] == ["=="] for pin in pins.values())
    return {name: Version(next(iter(pin)).version) for name, pin in pins.items()}


PINNED = pinned()
NEEDED = by_name(PROJECT["dependencies"])
OPTIONAL = by_name(
    [
        line
        for extra in PROJECT["optional-dependencies"].values()
        for line in extra
        if not line.startswith(PROJECT["name"])
    ]
)


def test_conda_and_pip_install_the_same():
    lines = [line for line in CONDA["dependencies"] if isinstance(line, str)]
    conda = {RENAMED.get(name, name): bounds for name, bounds in by_name(lines).items()}
    conda.pop("pip")
    assert conda.pop("python") == SpecifierSet(PROJECT["requires-python"])
    assert conda == NEEDED


def test_conda_takes_this_folder_with_the_extras_of_make_lab_and_nothing_else_from_pip():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    extras = re.search(r"^LAB_EXTRAS := ([\w,]+)", makefile, re.MULTILINE).group(1)
    from_pip = [line for line in CONDA["dependencies"] if isinstance(line, dict)]
    assert from_pip == [{"pip": [f"-e .[{extras}]"]}]


def test_conda_forge_is_the_only_channel():
    assert CONDA["channels"] == ["conda-forge", "nodefaults"]


@pytest.mark.parametrize("name", NEEDED)
def test_a_dependency_has_a_lower_bound_and_no_upper_one(name: str):
    assert [specifier.operator for specifier in NEEDED[name]] == [">="]


@pytest.mark.parametrize("name", NEEDED | OPTIONAL)
def test_a_dependency_is_pinned_within_its_bounds(name: str):
    assert PINNED[name] in (NEEDED | OPTIONAL)[name]


def test_pins_fit_every_machine():
    assert [str(pin) for pin in PINNED.values() if pin.local] == []  # as in torch 2.13.0+cpu
