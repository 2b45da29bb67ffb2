"""What the README shows of one's own code runs as it stands there."""

import re

import mla_core as mla
from tests import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_guests_of_the_readme_train(tmp_path, monkeypatch):
    (source,) = re.findall(r"```python\n(# my_lab\.py.*?)```", README, re.DOTALL)
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
