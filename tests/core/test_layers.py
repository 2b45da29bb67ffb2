"""What import-linter does not see: what is loaded, how long a file may be, what doors hand on."""

import ast
import json
import subprocess
import sys

import pytest

from tests import ROOT

FILES = sorted(path for name in ("mla_core", "widgets") for path in (ROOT / name).rglob("*.py"))

HEAVY = (
    "IPython", "anywidget", "ipywidgets", "matplotlib", "nbformat", "numba", "pandas", "papermill",
    "PIL", "plotly", "safetensors", "scipy", "sklearn", "sympy", "tokenizers", "transformers", "umap",
    "widgets",
)  # fmt: skip

# Importing alone could hide what a first training run pulls in.
SESSION = """
import json, sys
import mla_core as mla
for settings in ({"optimizer": "sgd"}, {"optimizer": "adamw"}, {"method": "concat"}):
    config = mla.ExperimentConfig(
        dataset="gaussian", dataset_options={"sizes": [32, 9, 9]}, batch_size=16, feature_size=8,
        **settings,
    )
    session = mla.TrainingSession(config)
    session.advance(steps=3)
    fork = session.fork(head_gradient="off")
    fork.evaluate("val").accuracy
    fork.restore(session.snapshot())
# Encoders that are worth it learn side by side.
mla.TrainingSession(mla.ExperimentConfig(dataset="spoken_digits")).advance(steps=3)
print(json.dumps(sorted(sys.modules)))
"""


@pytest.fixture(scope="module")
def loaded():
    """The modules of a process that has trained."""
    done = subprocess.run(
        [sys.executable, "-c", SESSION], cwd=ROOT, check=True, capture_output=True, text=True
    )
    return json.loads(done.stdout)


def test_the_core_trains_without_anything_heavy(loaded):
    assert "torch" in loaded
    assert not {name.partition(".")[0] for name in loaded}.intersection(HEAVY)


def test_training_waits_for_no_compiler(loaded):
    """Its import takes seconds, which the first picture and the first update would wait for."""
    assert "torch._dynamo" not in loaded


def test_a_file_above_400_lines_is_two_ideas():
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in FILES}
    assert {path: n for path, n in lengths.items() if n > 400} == {}


def test_the_door_of_a_room_only_hands_names_on():
    kinds = (ast.Import, ast.ImportFrom, ast.Assign, ast.Expr)
    for path in FILES:
        if path.name == "__init__.py":
            body = ast.parse(path.read_text(encoding="utf-8")).body
            assert all(isinstance(node, kinds) for node in body), path


def test_every_public_name_exists():
    import mla_core
    import widgets

    for package in (mla_core, widgets):
        assert sorted(package.__all__) == sorted(set(package.__all__))
        assert [name for name in package.__all__ if not hasattr(package, name)] == []


def test_the_widgets_load_no_parser_of_notebooks():
    """They take longer than the first picture; what asks for them still gets them."""
    code = (
        "import sys, widgets; "
        "assert 'jsonschema' not in sys.modules; "
        "import nbformat; nbformat.v4.new_notebook(); "
        "assert nbformat.__version__"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
