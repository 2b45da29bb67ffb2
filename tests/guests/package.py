"""A package with one guest of every kind, as somebody else would write and install it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from tests import ROOT

PYPROJECT = """
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"

[project]
name = "guest-lab"
version = "1.2.3"

[tool.setuptools]
py-modules = ["guest_lab"]

[project.entry-points."mla_lab.methods"]
patient = "guest_lab:Patient"
counting = "guest_lab:Counting"
concat = "guest_lab:Patient"

[project.entry-points."mla_lab.fusion"]
sharpest = "guest_lab:sharpest"
experts = "guest_lab:product"

[project.entry-points."mla_lab.head_gradients"]
forgetful = "guest_lab:Forgetful"

[project.entry-points."mla_lab.datasets"]
two_clouds = "guest_lab:two_clouds"

[project.entry-points."mla_lab.encoders"]
wide = "guest_lab:Wide"

[project.entry-points."mla_lab.metrics"]
top_two = "guest_lab:top_two"

[project.entry-points."mla_lab.corruptions"]
dark = "guest_lab:dark"
"""


def install(folder: Path) -> Path:
    """Make the package in `folder`, install it with pip, and return where it is installed."""
    source, target = folder / "source", folder / "site"
    source.mkdir()
    (source / "pyproject.toml").write_text(PYPROJECT, encoding="utf-8")
    shutil.copy(ROOT / "tests" / "guests" / "my_lab.py", source / "guest_lab.py")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    own = ["--no-deps", "--no-build-isolation", "--target", str(target), str(source)]
    subprocess.run([*pip, *own], check=True)
    return target
