"""Build the site: `python docs/site/build.py` writes docs/_build/html, which opens from its folder.

The pages that are translated into Chinese go into html/zh.

Notebooks are executed first, minutes each; one that was executed with the same code is taken again.
"""
# ruff: noqa: INP001 - a script, not a package

from __future__ import annotations

import argparse
import sys
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(ROOT)]

from chinese import FOLDER, LANGUAGE, TRANSLATED  # noqa: E402
from links import broken_links  # noqa: E402
from plotly.offline import get_plotlyjs  # noqa: E402
from sphinx.cmd.build import build_main  # noqa: E402
from stage import stage  # noqa: E402

from notebooks import executed  # noqa: E402

LIMIT = 8_000_000  # bytes of a page
SHORT = {  # two notebooks, in seconds
    "01_alternating_training": {"dataset": "gaussian", "epochs": 1},
    "02_head_gradient_modification": {"dataset": "gaussian", "epochs": 2, "steps": 6, "starts": 2},
}


def build(out: Path, *, short: bool = False) -> int:
    """Build the site and return what a command would: a warning, a broken link, a large page is a fault.

    Parameters
    ----------
    out : Path
        The site goes into ``out/html``, what was made on the way beside it.
    short : bool
        With two notebooks on tiny data and without the reference, for tests.
    """
    chosen = {path: SHORT.get(path.stem, {}) if short else {} for path in _notebooks(short=short)}
    made = {
        path.relative_to(ROOT).as_posix(): executed(path, parameters, out / "executed")
        for path, parameters in chosen.items()
    }
    stage(out / "source", made, reference=not short)
    stage(out / "source_zh", made, reference=False, only=TRANSLATED)
    site = out / "html"
    failed = _pages(out / "source", site, out / "doctrees", "en")
    failed |= _pages(out / "source_zh", site / FOLDER, out / "doctrees_zh", LANGUAGE)
    faults = [*_too_large(site), *broken_links(site)]
    for fault in faults:
        print(fault, file=sys.stderr)  # noqa: T201 - a command's errors
    return int(bool(failed or faults))


def _pages(source: Path, site: Path, doctrees: Path, language: str) -> int:
    options = ["-W", "--keep-going", "-q", "-b", "html", "-c", str(HERE), "-d", str(doctrees)]
    failed = build_main([*options, "-D", f"language={language}", str(source), str(site)])
    (site / "_static" / "plotly.min.js").write_text(get_plotlyjs(), encoding="utf-8")
    return int(failed)


def _too_large(site: Path) -> list[str]:
    return [
        f"{page.relative_to(site)} has more than {LIMIT / 1e6:.0f} MB"
        for page in site.rglob("*.html")
        if page.stat().st_size > LIMIT
    ]


def _notebooks(*, short: bool) -> list[Path]:
    every = [*sorted((ROOT / "notebooks").glob("*.ipynb")), ROOT / "docs/teach/slides.ipynb"]
    return [path for path in every if path.stem in SHORT or not short]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "_build")
    parser.add_argument("--short", action="store_true", help="two notebooks, on tiny data")
    arguments = parser.parse_args()
    sys.exit(build(arguments.out, short=arguments.short))
