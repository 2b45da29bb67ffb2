"""Every stylesheet: what is read has enough contrast, by the formula of WCAG 2."""

import re

import pytest

from tests import ROOT
from widgets.page.page import asset, script, stylesheet


def named(pattern):
    found = (path.relative_to(ROOT / "widgets") for path in ROOT.glob(f"widgets/{pattern}"))
    return sorted(str(path.with_suffix("")) for path in found)


SHEETS = named("*/*.css")
SCRIPTS = named("*/*.js")
WIDGETS = [name for name in SCRIPTS if "export default { render" in asset(f"{name}.js")]
PAGES = {"light": "#ffffff", "dark": "#111111"}


def luminance(colour):
    linear = []
    for i in (1, 3, 5):
        value = int(colour[i : i + 2], 16) / 255
        linear.append(value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4)
    return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(a, b):
    low, high = sorted((luminance(a), luminance(b)))
    return (high + 0.05) / (low + 0.05)


def rules(sheet):
    """Return the declarations of every rule, as a dictionary each."""
    bare = re.sub(r"/\*.*?\*/", "", asset(f"{sheet}.css"), flags=re.DOTALL)
    for _, body in re.findall(r"([^{}]+)\{([^{}]*)\}", bare):
        yield dict(re.findall(r"([\w-]+):\s*([^;]+?)\s*(?:;|$)", body))


def long(colour):
    return colour if len(colour) == 7 else "#" + "".join(2 * c for c in colour[1:])


def test_the_formula_knows_its_ends():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)


@pytest.mark.parametrize("sheet", SHEETS)
def test_text_on_a_ground_of_its_own_reads_well(sheet):
    for rule in rules(sheet):
        ink, ground = rule.get("color", ""), rule.get("background", "")
        if ink.startswith("#") and ground.startswith("#"):
            assert contrast(long(ink), long(ground)) >= 4.5, rule
        elif ink.startswith("#"):  # on the page, light or dark: no fixed colour does for both
            raise AssertionError(f"{ink} has no ground of its own")


def test_the_focus_is_seen_on_both_pages():
    rings = [rule for rule in rules("page/page") if "--mla-focus" in rule]
    for (name, page), ring in zip(PAGES.items(), rings, strict=True):
        assert contrast(ring["--mla-focus"], page) >= 3, name
        assert contrast(ring["--mla-focus"], ring["--mla-gap"]) >= 3, name


@pytest.mark.parametrize("name", SCRIPTS)
def test_no_script_makes_markup_of_data(name):
    assert "innerHTML" not in asset(f"{name}.js")


@pytest.mark.parametrize("name", WIDGETS)
def test_every_widget_joins_the_page_and_leaves_it(name):
    own = asset(f"{name}.js")
    (leave,) = re.findall(r"const (leave\w*) = joinPage\(el, model\);", own)
    assert f"{leave}();" in own
    lines = map(str.lstrip, own.splitlines())
    code = [line for line in lines if not line.startswith("//")]
    assert script(name).splitlines()[-len(code) :] == code
    assert len(script(name)) < 50_000
    assert "prefers-reduced-motion" in stylesheet(name)


def test_no_sheet_moves_things_for_those_who_asked_for_calm():
    calm = asset("page/page.css").partition("prefers-reduced-motion")[2]
    for kind in ("animation", "transition"):
        assert f"{kind}: none !important" in calm
