"""What the documentation shows of one's own code runs as it stands there, and the README is short."""

import re

import mla_core as mla
from tests import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
OWN_METHOD = (ROOT / "docs" / "own_method.md").read_text(encoding="utf-8")


def test_the_guests_of_the_documentation_train(tmp_path, monkeypatch):
    (source,) = re.findall(r"```python\n(# my_lab\.py.*?)```", OWN_METHOD, re.DOTALL)
    (tmp_path / "my_lab.py").write_text(source, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    options = {"dataset": "gaussian", "dataset_options": {"sizes": [60, 30, 30]}, "epochs": 1}
    for guests in (
        {"fusion": "my_lab:surest", "head_gradient": "my_lab:Halved"},
        {"method": "my_lab:MaxPooled"},
    ):
        session = mla.train(mla.ExperimentConfig(**options, **guests))
        assert [guest.module for guest in session.guests] == ["my_lab"] * len(guests)
        assert session.evaluate("val").accuracy > 0


def test_the_readme_is_read_in_five_minutes():
    assert len(README.split()) < 1200


def test_every_page_that_the_readme_names_is_there():
    for page in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / page).is_file(), page
