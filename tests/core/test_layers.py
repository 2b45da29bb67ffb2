"""What import-linter does not see: what is loaded, how long a file may be, what doors hand on."""

import ast
import json
import subprocess
import sys

from tests import ROOT

FILES = sorted(path for name in ("mla_core", "widgets") for path in (ROOT / name).rglob("*.py"))

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


def test_training_waits_for_no_compiler():
    """Its import takes seconds, which the first picture and the first update would wait for."""
    code = """
import sys
import mla_core as mla

for settings in ({"optimizer": "sgd"}, {"optimizer": "adamw"}, {"method": "concat"}):
    session = mla.TrainingSession(mla.ExperimentConfig(dataset="gaussian", **settings))
    session.advance(steps=3)
    session.fork(head_gradient="off").restore(session.snapshot())
sys.exit("torch._dynamo" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_widgets_load_no_parser_of_notebooks():
    """They take longer than the first picture; what asks for them still gets them."""
    code = (
        "import sys, widgets; "
        "assert 'jsonschema' not in sys.modules; "
        "import nbformat; nbformat.v4.new_notebook(); "
        "assert nbformat.__version__"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
