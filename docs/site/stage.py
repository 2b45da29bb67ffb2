"""The site's sources, laid out as they lie in the project, so that their links hold."""
# ruff: noqa: INP001 - a script, not a package

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from api import pages as api_pages

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PAGES = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "results/README.md", "docs/**/*.md")
BESIDE = ("docs/**/*.png", "docs/**/*.svg", "docs/**/*.ipynb")
OURS = ("docs/site/", "docs/_build/")  # the machinery itself
FIRST = ("index.md", "quick_start.md")


def stage(
    place: Path,
    notebooks: Mapping[str, Path],
    *,
    reference: bool = True,
    only: Collection[str] | None = None,
) -> None:
    """Bring a folder of sources up to date: what has not changed is not touched.

    Parameters
    ----------
    place : Path
        What stands there and is no source any more is removed.
    notebooks : mapping of str to Path
        The executed one of each, by its path in the project.
    reference : bool
        Whether the pages of the code are among them.
    only : collection of str, optional
        Leave out other pages than these, named without their endings.
    """
    sources = {path.relative_to(ROOT).as_posix(): path.read_bytes() for path in _found()}
    sources |= {name: path.read_bytes() for name, path in notebooks.items()}
    if reference:
        sources |= {f"api/{name}": text.encode() for name, text in api_pages().items()}
    sources |= {name: (HERE / name).read_bytes() for name in FIRST}
    if only is not None:
        kept = {*only, "README"}  # which the first pages include
        sources = {
            n: s for n, s in sources.items() if n.rpartition(".")[0] in kept or not _is_page(n)
        }
    pages = [name.rpartition(".")[0] for name in sources if _is_page(name)]
    sources["index.md"] = with_contents(sources["index.md"].decode(), pages).encode()
    for path in place.rglob("*"):
        if path.is_file() and path.relative_to(place).as_posix() not in sources:
            path.unlink()
    for name, content in sources.items():
        target = place / name
        if not target.is_file() or target.read_bytes() != content:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)


def with_contents(index: str, pages: Iterable[str]) -> str:
    """Return the first page with its contents filled in.

    A line that ends in ``/*`` stands for the pages of that folder that no other line names, and a
    page that is not there is left out: so pages may be added, and others build without them.

    Parameters
    ----------
    index : str
        With lines such as ``docs/data`` in its toctrees.
    pages : iterable of str
        All that are there, without their endings.
    """
    there = set(pages)
    trees = re.compile(r"(?<=```\{toctree\}\n).*?(?=```)", re.DOTALL)
    named = {line for tree in trees.findall(index) for line in tree.splitlines()}

    def fill(tree: re.Match[str]) -> str:
        lines: list[str] = []
        for line in tree[0].splitlines():
            folder = line.removesuffix("*")
            if folder != line:
                found = {p for p in there - named if p.rpartition("/")[0] + "/" == folder}
                lines += sorted(found, key=lambda page: (page != f"{folder}index", page))
            elif not line or line.startswith(":") or line in there:
                lines.append(line)
        return "".join(f"{line}\n" for line in lines)

    return re.sub(r"```\{toctree\}\n(:.*\n)*\n*```\n", "", trees.sub(fill, index))


def _is_page(name: str) -> bool:
    return name.endswith((".md", ".ipynb", ".rst"))


def _found() -> Iterable[Path]:
    for pattern in (*PAGES, *BESIDE):
        for path in ROOT.glob(pattern):
            if not path.relative_to(ROOT).as_posix().startswith(OURS):
                yield path
