"""What depends on what, and how long a file may be."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CORE = sorted((ROOT / "mla_core").rglob("*.py"))
WIDGETS = sorted((ROOT / "widgets").rglob("*.py"))

HEAVY = (
    "IPython", "anywidget", "ipywidgets", "matplotlib", "nbformat", "numba", "pandas", "papermill",
    "PIL", "plotly", "safetensors", "scipy", "sklearn", "tokenizers", "transformers", "umap",
    "widgets",
)  # fmt: skip

# Importing alone could hide what a first training run pulls in.
SESSION = """
import json, sys
import mla_core as mla
config = mla.ExperimentConfig(
    dataset="gaussian", dataset_options={"sizes": [32, 9, 9]}, batch_size=16, feature_size=8
)
session = mla.TrainingSession(config)
session.advance(steps=3)
session.fork(head_gradient="off").evaluate("val").accuracy
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""


def test_the_core_trains_without_anything_heavy():
    done = subprocess.run(
        [sys.executable, "-c", SESSION], cwd=ROOT, check=True, capture_output=True, text=True
    )
    loaded = json.loads(done.stdout)
    assert "torch" in loaded
    assert [name for name in HEAVY if name in loaded] == []


def imported(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
    return names


@pytest.mark.parametrize("path", CORE, ids=lambda path: path.stem)
def test_the_core_knows_no_screen(path):
    tops = {name.partition(".")[0] for name in imported(path)}
    assert not tops & {"widgets", "plotly", "ipywidgets", "IPython", "anywidget", "matplotlib"}


def test_one_file_knows_papermills_engine():
    users = {path.name for path in CORE if "papermill" in imported(path)}
    assert users == {"headless.py"}


@pytest.mark.parametrize(
    "path", [*CORE, *WIDGETS], ids=lambda path: f"{path.parent.name}-{path.stem}"
)
def test_a_file_above_400_lines_is_two_ideas(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400


@pytest.mark.parametrize(
    "path", [p for p in (*CORE, *WIDGETS) if p.name == "__init__.py"], ids=lambda p: p.parent.name
)
def test_an_init_file_only_hands_names_on(path):
    body = ast.parse(path.read_text(encoding="utf-8")).body
    kinds = (ast.Import, ast.ImportFrom, ast.Assign, ast.Expr)
    assert all(isinstance(node, kinds) for node in body)


def test_every_public_name_exists():
    import mla_core

    assert sorted(mla_core.__all__) == sorted(set(mla_core.__all__))
    assert [name for name in mla_core.__all__ if not hasattr(mla_core, name)] == []
