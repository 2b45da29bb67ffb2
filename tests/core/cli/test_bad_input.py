"""What was typed by mistake: the command says so in a sentence and exits with 2; nothing is made."""

import io
import sys

import nbformat
import pytest

from mla_core import ConfigError
from mla_core.cli import main
from mla_core.runs.specification import read_specification, specify

DEEP = "[" * 20_000 + "]" * 20_000


@pytest.fixture
def notebook(tmp_path):
    book = nbformat.v4.new_notebook()
    book.metadata["kernelspec"] = {"name": "python3", "display_name": "", "language": "python"}
    lines = "epochs: int = 10\nnoise: list = []\noptions: dict = {}\nname: str = 'a'"
    book.cells = [nbformat.v4.new_code_cell(lines, metadata={"tags": ["parameters"]})]
    path = tmp_path / "book.ipynb"
    nbformat.write(book, path)
    return path


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["epochs=1", "epochs=1"], "-p names 'epochs' twice: leave one out"),
        (["epochs"], "-p needs NAME=VALUE, not 'epochs'"),
        (["=1"], "-p needs NAME=VALUE, not '=1'"),
        (['options={"a": 1, "a": 2}'], "it names 'a' twice"),
        (["noise=[NaN]"], "NaN is no number that JSON knows"),
        (["epochs=" + "9" * 5000], "a number of 5000 digits is too large"),
        (["noise=" + DEEP], "it has too many lists or objects inside one another"),
        (["noise=" + "[" * 40 + "]" * 40], "'noise' must hold plain JSON values, not 32 lists"),
        (["epoch=1"], "did you mean 'epochs'?"),
    ],
)
def test_a_parameter_is_given_once_and_means_one_thing(given, message, notebook, tmp_path, capsys):
    arguments = [part for text in given for part in ("-p", text)]
    assert main(["run", str(notebook), *arguments, "--out", str(tmp_path / "runs")]) == 2
    said = capsys.readouterr().err
    assert message in said
    assert said.startswith("mla-lab: ")
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["split=random", "split=by_actor"], "-o names 'split' twice: leave one out"),
        (["split"], "-o needs NAME=VALUE, not 'split'"),
        (['prepare={"size": 8, "size": 9}'], "it names 'size' twice"),
        (["prepare=5"], "prepare must be a mapping or nothing, not 5"),
        (["split=5"], "unknown split of cremad 5"),
    ],
)
def test_an_option_is_given_once_and_means_one_thing(given, message, tmp_path, capsys):
    arguments = [part for text in given for part in ("-o", text)]
    assert main(["data", "check", "cremad", str(tmp_path), *arguments]) == 2
    assert message in capsys.readouterr().err


class Stdin:
    def __init__(self, content: bytes):
        self.buffer = io.BytesIO(content)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"dataset": "\xe9"}'.encode("latin-1"), "is not text in UTF-8"),
        (b"\xff\xfe\x00", "is not text in UTF-8"),
        (b"", "the configuration is not JSON"),
        (b"[]", "the configuration must be an object"),
        (b'{"seed": 1, "seed": 2}', "it names 'seed' twice"),
        (DEEP.encode(), "too many lists or objects inside one another"),
        (b'{"learning_rate": 1e999}', "the configuration is not JSON (1e999 is too large)"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("source", ["-", "file"])
def test_a_configuration_that_says_nothing_certain_is_not_run(
    content, message, source, tmp_path, monkeypatch, capsys
):
    file = tmp_path / "config.json"
    file.write_bytes(content)
    monkeypatch.setattr(sys, "stdin", Stdin(content))
    given = "-" if source == "-" else str(file)
    assert main(["repeat", given, "--out", str(tmp_path / "runs")]) == 2
    said = capsys.readouterr().err
    assert message in said or (source == "file" and "can't decode" in said)
    assert not (tmp_path / "runs").exists()


def test_a_run_that_diverges_is_told_and_exits_with_1(tmp_path, capsys):
    file = tmp_path / "config.json"
    file.write_text('{"dataset": "gaussian", "epochs": 1, "learning_rate": 1e30}')
    assert main(["repeat", str(file), "--out", str(tmp_path / "runs")]) == 1
    assert "Try a smaller learning rate" in capsys.readouterr().err


def test_a_disk_that_is_full_is_told_by_its_file(tmp_path, monkeypatch, capsys):
    def full(*_, **__):
        raise OSError(28, "No space left on device", "runs/history.npz")

    monkeypatch.setattr("mla_core.runs.read_runs", full)
    assert main(["list", str(tmp_path)]) == 2
    assert capsys.readouterr().err == "mla-lab: 'runs/history.npz': No space left on device\n"


@pytest.mark.parametrize("command", ["list", "run", "sweep", "export", "repeat", "table"])
def test_a_path_that_is_too_long_is_told(command, capsys):
    more = ["--rows", "method"] if command == "table" else []
    assert main([command, "x" * 5000 + ".ipynb", *more]) == 2
    assert "name too long" in capsys.readouterr().err


DIGITS = ", ".join(map(str, range(1000)))
WHY = 'description = "Why?"\n'
SPECIFICATIONS = {
    "a billion points": (
        WHY + f"[grid]\nseed = [{DIGITS}]\nepochs = [{DIGITS}]\nprobe_size = [{DIGITS}]",
        "the grid has 1,000,000,000 points, but at most 10,000 are taken: make several files",
    ),
    "many grids": (
        WHY + f"[[grid]]\nseed = [{DIGITS}]\nepochs = [1, 2, 3, 4, 5, 6]\n" * 2,
        "the grid has 12,000 points",
    ),
    "deep": (WHY + "[grid]\norder = " + DEEP, "too many lists or tables inside one another"),
    "40 deep": (
        WHY + "[grid]\norder = [" + "[" * 40 + "]" * 41,
        "number 1: order must hold plain JSON values, not 32 lists",
    ),
    "5000 digits": (WHY + "[grid]\nseed = " + "9" * 5000, "4300 digits"),
    "beyond JSON": (WHY + "[grid]\nseed = 9007199254740992", "beyond ±(2^53 - 1)"),
    "nan": (WHY + "[grid]\nalpha = nan", "alpha must hold plain JSON values, not nan"),
    "a date": (WHY + "[grid]\nseed = 2026-01-01", "not datetime.date(2026, 1, 1)"),
    "twice": (WHY + "[grid]\nseed = 1\nseed = 2", "Cannot overwrite a value"),
    "no table": (WHY + "grid = 5", "grid must be at least one table of settings"),
    "a number for a notebook": (WHY + "notebook = 5\n[grid]", "the path of a notebook, not 5"),
    "a long notebook": (WHY + f"notebook = '{'x' * 5000}'\n[grid]", "name too long"),
    "a modality": (
        WHY + '[grid]\nmodalities = [["imag"]]',
        "unknown modality in modalities 'imag': choose one of 'image', 'audio', 'text' (did you mean 'image'?)",
    ),
    "a modality with a share": (
        WHY + '[grid]\ndataset = "emoji"\nmissing = [{train = {audio = 0.5}}]',
        "unknown modality in missing['train'] 'audio': choose one of 'image', 'text'",
    ),
    "an order": (
        WHY + '[grid]\ndataset = "gaussian"\norder = [["m0", "m1"]]',
        "order leaves out the modality 'm2': it would never be trained",
    ),
    "an encoder": (
        WHY + '[grid]\ndataset = "watch"\nencoders = [{gyroscop = "small"}]',
        "(did you mean 'gyroscope'?)",
    ),
    "an option": (
        WHY + '[grid]\ndataset = "gaussian"\ndataset_options = [{sizes = [9, 9]}]',
        "option 'sizes' of data set 'gaussian' must be three whole numbers",
    ),
}


@pytest.mark.timeout(30)
@pytest.mark.parametrize("case", SPECIFICATIONS)
def test_a_specification_that_cannot_be_meant_is_refused_before_it_is_spread(
    case, tmp_path, capsys
):
    content, message = SPECIFICATIONS[case]
    path = tmp_path / "why.toml"
    path.write_text(content)
    with pytest.raises(ConfigError, match=r"why\.toml: "):
        read_specification(path)
    assert main(["sweep", str(path), "--dry-run"]) == 2
    assert message.lower() in capsys.readouterr().err.lower()


@pytest.mark.parametrize("content", [None, 5, [], "grid"])
def test_a_specification_is_a_mapping(content):
    with pytest.raises(ConfigError, match="a specification must be a mapping of entries, not"):
        specify("why", content)
