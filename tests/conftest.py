"""What all tests share: guests in a folder of their own, which leave nothing behind."""

import itertools
import shutil

import pytest
from hypothesis import settings

import mla_core as mla
from mla_core.runs.jupyter import spare_the_grammar
from tests import ROOT

with spare_the_grammar():  # seconds of every process that collects tests
    import nbformat  # noqa: F401

CATALOGUES = (
    mla.methods.METHODS,
    mla.fusion.RULES,
    mla.head_gradients,
    mla.datasets,
    mla.encoders.ENCODERS,
    mla.metrics,
    mla.corruptions,
)
_numbers = itertools.count()

settings.register_profile("without a clock", deadline=None)  # a busy machine is no fault
settings.load_profile("without a clock")


@pytest.fixture(autouse=True)
def no_guest_stays():
    """Forget after every test what it registered or used."""
    yield
    for catalogue in CATALOGUES:
        catalogue._registered.clear()
        catalogue._guests.clear()


@pytest.fixture
def lab(tmp_path, monkeypatch):
    """The name of a module with one guest of every kind, which nobody has imported yet."""
    name = f"lab_{next(_numbers)}"
    folder = tmp_path / "lab"
    folder.mkdir()
    shutil.copy(ROOT / "tests" / "guests" / "my_lab.py", folder / f"{name}.py")
    monkeypatch.syspath_prepend(folder)
    return name
