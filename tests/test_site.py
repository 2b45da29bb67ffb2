"""What the site is made of: its contents fill themselves, and every public name stands in it."""

import re
import runpy
import subprocess
import sys
from collections import Counter

import pytest
from babel.messages.pofile import read_po
from markdown_it.renderer import RendererHTML
from myst_parser.config.main import MdParserConfig
from myst_parser.parsers.mdit import create_md_parser

import mla_core
import widgets
from tests import ROOT

SITE = ROOT / "docs" / "site"
CATALOGUES = SITE / "locale" / "zh_CN" / "LC_MESSAGES"
TRANSLATED = sorted(path.relative_to(CATALOGUES).as_posix() for path in CATALOGUES.rglob("*.po"))
INDEX = """\
# Title

```{toctree}
:caption: Start
:hidden:

quick_start
docs/teach/*
docs/glossary
```

```{toctree}
:caption: How to
:hidden:

docs/*
```
"""


@pytest.fixture
def site(monkeypatch):
    """Import a file of the site's machinery as its build does, and forget it again."""
    monkeypatch.syspath_prepend(str(SITE))
    before = set(sys.modules)
    yield __import__
    for name in set(sys.modules) - before:
        if (SITE / f"{name}.py").is_file():
            del sys.modules[name]


def entries(index):
    return [
        [line for line in tree.splitlines() if line and not line.startswith(":")]
        for tree in re.findall(r"```\{toctree\}\n(.*?)```", index, re.DOTALL)
    ]


@pytest.mark.parametrize(
    ("pages", "expected"),
    [
        (["quick_start"], [["quick_start"]]),
        (["quick_start", "docs/runs", "docs/data"], [["quick_start"], ["docs/data", "docs/runs"]]),
        (
            ["docs/glossary", "quick_start", "docs/teach/exam", "docs/teach/index"],
            [["quick_start", "docs/teach/index", "docs/teach/exam", "docs/glossary"]],
        ),
    ],
    ids=["what is not written yet", "a folder", "what is named stands once, an index first"],
)
def test_the_contents_are_the_pages_that_are_there(site, pages, expected):
    assert entries(site("stage").with_contents(INDEX, pages)) == expected


def test_a_page_that_is_gone_is_removed_and_one_that_stays_is_not_touched(site, tmp_path):
    stage = site("stage").stage
    stage(tmp_path, {}, reference=False)
    kept, gone = tmp_path / "docs" / "data.md", tmp_path / "docs" / "gone.md"
    before = kept.stat().st_mtime_ns
    gone.write_text("# Gone")
    stage(tmp_path, {}, reference=False)
    assert kept.stat().st_mtime_ns == before
    assert not gone.exists()
    assert (tmp_path / "README.md").read_bytes() == (ROOT / "README.md").read_bytes()


@pytest.mark.parametrize("package", [mla_core, widgets], ids=lambda package: package.__name__)
def test_every_public_name_stands_in_the_reference(site, package):
    pages = site("api").pages()
    listed = pages["index.md"]
    for name in package.__all__:
        assert name.startswith("_") or re.search(rf"\b{name}\b", listed), name
    for room, page in pages.items():
        if room.startswith(f"{package.__name__}.") and room.endswith(".rst"):
            module = sys.modules[room.removesuffix(".rst")]
            missing = [
                n for n in getattr(module, "__all__", ()) if not re.search(rf"\b{n}\b", page)
            ]
            assert missing == []


@pytest.mark.parametrize(
    ("link", "leads"),
    [
        ("b.html", True),
        ("b.html#here", True),
        ("#top", True),
        ("https://example.org/x", True),
        ("b%2ehtml?q=1", True),
        ("c.html", False),
        ("b.html#there", False),
        ("#nowhere", False),
    ],
)
def test_a_link_leads_somewhere_or_is_told(site, tmp_path, link, leads):
    script = "<script type='x'>a = ' href=\"in_a_script.html\"'</script>"
    (tmp_path / "a.html").write_text(f'<p id="top"><a href="{link}">x</a></p>{script}')
    (tmp_path / "b.html").write_text('<p id="here"></p>')
    expected = [] if leads else [f"a.html: the link {link} leads nowhere"]
    assert site("links").broken_links(tmp_path) == expected


@pytest.mark.parametrize("bad", ["mathjax", "http"])
def test_nothing_of_the_machinery_asks_the_network(bad):
    texts = [
        path.read_text(encoding="utf-8")
        for path in SITE.rglob("*")
        if path.suffix in {".js", ".css"}
    ]
    assert [text for text in texts if bad in text] == []


def test_the_builder_tells_what_it_can_do(site, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["build.py", "--help"])
    with pytest.raises(SystemExit, match="0"):
        runpy.run_path(str(SITE / "build.py"), run_name="__main__")
    assert "--short" in capsys.readouterr().out


def messages(path):
    with path.open(encoding="utf-8") as file:
        return [message for message in read_po(file) if message.id]


def test_every_message_of_the_chinese_pages_is_translated_and_none_is_left_over(tmp_path):
    command = [sys.executable, str(SITE / "translate.py"), "--to", str(tmp_path)]
    subprocess.run(command, check=True)
    faults = []
    for name in TRANSLATED:
        now, kept = messages(tmp_path / name), messages(CATALOGUES / name)
        faults += [f"{name}: {m.id}" for m in now if m.fuzzy or not m.string]
        left = {m.id for m in kept} - {m.id for m in now}
        faults += [f"{name}, in English no more: {text}" for text in sorted(left)]
    assert faults == [], "run `python docs/site/translate.py` and translate what it leaves open"


def untranslatable(text):
    """Return what a translation keeps: code, formulas, targets of links, marks, numbers."""
    if text.count("\\") > 1 and "$" not in text:
        return Counter([text])  # a formula on a line of its own
    config = MdParserConfig(enable_extensions={"dollarmath"})
    kept = []
    for block in create_md_parser(config, RendererHTML).parse(text):
        kept.append(block.type)  # a list instead of a paragraph would be passed over by Sphinx
        for token in block.children or ():
            if token.type == "text":
                kept += re.findall(r"[0-9.]*[0-9]|[*`_$]+", token.content)
            else:
                target = token.attrGet("href") or token.attrGet("src")
                content = "" if token.type == "image" else token.content
                kept.append((token.type, target, content))
    return Counter(kept)


@pytest.mark.parametrize("name", TRANSLATED)
def test_a_translation_keeps_code_links_formulas_and_numbers(name):
    for message in messages(CATALOGUES / name):
        assert not message.fuzzy
        text = re.sub(r"^(\d+)\. ", r"\1\\. ", message.id)  # a heading's number, and no list
        assert untranslatable(message.string) == untranslatable(text), message.string


@pytest.mark.parametrize(
    ("text", "translation"),
    [
        ("see `x`", "见 `y`"),
        ("see [a](a.md)", "见 [a](b.md)"),
        ("<a href='a.html'>a</a> b", "<a href='b.html'>a</a> b"),
        ("$x$ of 5", "5 的 $y$"),
        ("5 of 6", "7 之 5"),
        ("**Word.** More", "**词。**更多"),  # which Markdown does not read as bold
        (r"1\. Word", "1. 词"),
        (r"\frac{a}{\bar b}", r"\frac{b}{\bar b}"),
    ],
)
def test_a_translation_that_keeps_something_else_is_found(text, translation):
    assert untranslatable(text) != untranslatable(translation)


def test_the_chinese_search_knows_words_within_a_sentence(site):
    terms = site("chinese").PairsOfCharacters({}).split("更新共享头 head。")
    assert {"共享", "享头", "head"} <= set(terms)
