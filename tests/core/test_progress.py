"""Bars are shown where somebody asked for one, unless the environment says that none should be."""

import subprocess
import sys

import pytest

SCRIPT = """
from mla_core.progress import bar
for disable in (False, True):
    with bar(total=2, desc=f"disable={disable}", disable=disable) as steps:
        steps.update()
"""


@pytest.mark.parametrize(
    ("said", "shown"), [({}, ["disable=False"]), ({"TQDM_DISABLE": "1"}, [])], ids=["plain", "none"]
)
def test_the_environment_has_its_say(said, shown, monkeypatch):
    monkeypatch.delenv("TQDM_DISABLE", raising=False)
    for name, value in said.items():
        monkeypatch.setenv(name, value)  # tqdm reads it when it is imported
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True
    )
    assert [name for name in ("disable=False", "disable=True") if name in done.stderr] == shown
