"""What widgets and commands say, in another language: nothing is left unmarked, nothing lacks a value."""

import argparse
import ast
import inspect
import re
import string
import subprocess
import sys
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from mla_core import language
from mla_core.cli import main, words
from mla_core.errors import ConfigError
from mla_core.language import CATALOGUES, LANGUAGES, later, tr

ROOT = Path(__file__).parent.parent
SPOKEN = [*sorted((ROOT / "widgets").rglob("*.py")), *sorted((ROOT / "mla_core/cli").rglob("*.py"))]
SCRIPTS = sorted((ROOT / "widgets").rglob("*.js"))
TRANSLATED = [name for name in LANGUAGES if name != language.ENGLISH]
MARKS = {"tr", "later"}
STYLES = {  # and names of things
    "row wrap",
    "mla (off)",
    "cut off",
    "top right",
    "bottom right",
    "hidden auto",
    "11px sans-serif",
    "part fused",
    "row panels",
    ".js-plotly-plot text",
    ".mla-output dfn.mla-term",
    "import widgets",
    "(prefers-reduced-motion: reduce)",
    "(prefers-color-scheme: dark)",
}


@pytest.fixture(autouse=True)
def own_language(monkeypatch):
    monkeypatch.setattr(language, "_chosen", [])
    monkeypatch.delenv(language.VARIABLE, raising=False)


@pytest.fixture
def catalogue(monkeypatch):
    def give(**messages):
        monkeypatch.setattr(language, "messages", lambda name, source="": messages)

    return give


# ------------------------------------------------------------------------------- one message


def test_english_stands_in_the_code():
    assert language.language() == "en"
    assert tr("{n} of {total}", n=1, total=2) == "1 of 2"
    assert tr("{n} as it is") == "{n} as it is"
    assert later("Play") == "Play"


def test_a_message_that_is_not_known_stays_english(catalogue):
    catalogue(Play="播放")
    assert [tr("Play"), tr("Pause")] == ["播放", "Pause"]


def test_a_value_is_put_into_what_is_said(catalogue):
    catalogue(**{"epoch {now} of {total}": "第 {now} 轮，共 {total} 轮"})
    assert tr("epoch {now} of {total}", now=1, total="{now}") == "第 1 轮，共 {now} 轮"


@pytest.mark.parametrize("name", ["zh_CN", "zh", "zh-CN", "zh_cn", "zh_CN.UTF-8"])
def test_a_language_has_the_names_that_locales_have(name, monkeypatch):
    monkeypatch.setenv(language.VARIABLE, name)
    assert language.language() == "zh_CN"


def test_what_was_chosen_goes_before_what_the_machine_says(monkeypatch):
    monkeypatch.setenv(language.VARIABLE, "zh_CN")
    language.choose("en")
    assert language.language() == "en"


@pytest.mark.parametrize("name", ["fr", "../zh_CN", "zh_TW", "english"])
def test_a_language_without_a_catalogue_is_refused_by_name(name, monkeypatch):
    monkeypatch.setenv(language.VARIABLE, name)
    with pytest.raises(ConfigError, match=r"MLA_LAB_LANGUAGE must be one of en, zh_CN, not"):
        language.language()
    with pytest.raises(ConfigError, match="must be one of"):
        language.choose(name)


# ------------------------------------------------------------------------------- all messages


def of_catalogue(path):
    with path.open(encoding="utf-8") as file:
        return {one.id: one for one in read_po(file) if one.id}


def placeholders(message):
    return sorted(f"{{{name}}}" for _, name, _, _ in string.Formatter().parse(message) if name)


@pytest.mark.parametrize("name", TRANSLATED)
def test_every_message_is_translated_and_none_is_left_over(name, tmp_path):
    command = [sys.executable, str(ROOT / "docs/site/translate.py"), "--messages", "--to"]
    subprocess.run([*command, str(tmp_path)], check=True)
    now = of_catalogue(tmp_path / f"{name}.po")
    kept = of_catalogue(CATALOGUES / f"{name}.po")
    faults = [f"not translated: {m.id}" for m in now.values() if m.fuzzy or not m.string]
    faults += [f"in English no more: {message}" for message in sorted(kept.keys() - now.keys())]
    assert faults == [], "run `python docs/site/translate.py` and translate what it leaves open"


@pytest.mark.parametrize("name", TRANSLATED)
def test_a_translation_has_the_placeholders_and_the_elements_of_its_message(name):
    for message in of_catalogue(CATALOGUES / f"{name}.po").values():
        for part in (placeholders, lambda text: sorted(re.findall(r"</?\w+[^>]*>", text))):
            assert part(message.string) == part(message.id), message.id


# ---------------------------------------------------------------------- texts that are not marked


def is_text(said):
    """Tell sentences and names of several words from code, addresses, styles and elements."""
    plain = re.sub(r"<[^>]*>|[\w-]+: ?[^;:]+;|(?<!\w)--?[\w-]+", "|", said)
    words = re.search(r"[A-Za-z][\w-]*[A-Za-z][,.:;]? +\(?[A-Za-z][a-z]", plain)
    return said not in STYLES and words is not None


class _Unmarked(ast.NodeVisitor):
    def __init__(self):
        self.found = []

    def visit_Call(self, node):
        if getattr(node.func, "id", "") not in MARKS:
            self.generic_visit(node)

    def visit_Expr(self, node):
        if not isinstance(node.value, ast.Constant):  # else it documents
            self.generic_visit(node)

    def visit_JoinedStr(self, node):
        parts = [part.value if isinstance(part, ast.Constant) else "{}" for part in node.values]
        self.tell(node, "".join(parts))
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                self.visit(part.value)

    def visit_Constant(self, node):
        if isinstance(node.value, str):
            self.tell(node, node.value)

    def tell(self, node, said):
        if is_text(said):
            self.found.append(f"{node.lineno}: {said}")


@pytest.mark.parametrize("path", SPOKEN, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_text_of_widgets_and_commands_is_unmarked(path):
    visitor = _Unmarked()
    visitor.visit(ast.parse(path.read_text(encoding="utf-8")))
    assert visitor.found == [], (
        "put it into tr(...), or into later(...) where a module's table has it"
    )


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_text_of_a_script_is_unmarked(path):
    code = re.sub(r"^ *//.*$", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    code = re.sub(r"\btr\(\s*\"[^\"]*\"(\s*\+\s*\"[^\"]*\")*", "tr(", code)
    said = [one[1:-1] for one in re.findall(r'"[^"\n]*"|`[^`]*`', code)]
    assert [one for one in said if is_text(re.sub(r"\$\{[^}]*\}", "{}", one))] == []


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ("Press Play, or Step to train.", True),
        ("Learning rate", True),
        ("{} of {} samples are shown", True),
        ("<b>Sub-step now</b>", True),
        ("font-size:12px;line-height:1.4", False),
        ("<p class='mla-unit'>", False),
        ("row wrap", False),
        ("torchrun --nproc-per-node 2", False),
        ("Play", False),  # a single word is marked by whoever reads the code
    ],
)
def test_texts_are_told_from_code(said, text):
    assert is_text(said) == text


def test_what_argparse_says_is_said_in_the_readers_language(monkeypatch, capsys):
    monkeypatch.setenv(language.VARIABLE, "zh_CN")
    for given in ([], ["stop"], ["class", "--students"], ["sweep", "a.toml", "--jobs", "many"]):
        with pytest.raises(SystemExit):
            main(given)
        said = capsys.readouterr().err
        assert said.startswith("用法：")
        assert re.search("错误：.*[\u4e00-\u9fff]{3}", said), said
    with pytest.raises(SystemExit):
        main(["stop", "--help"])
    told = capsys.readouterr().out
    assert not {"usage", "options", "show this"} & set(re.findall("usage|options|show this", told))


def test_argparse_still_says_what_is_translated():
    source = inspect.getsource(argparse)
    gone = [word for word in words.WORDS if repr(word)[1:-1] not in source]
    assert len(gone) <= 2  # a Python that says some otherwise says those in English
