"""The legend of a run's curves: lines that look like those in the figure."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from mla_core.language import tr
from mla_core.methods import Instrument
from widgets.charts.panels import MANY_PAIRS
from widgets.charts.svg import DASHES
from widgets.charts.training import BRANCH_STYLE, FUSED, beside_modalities, line_of, pair_style
from widgets.page import MODALITY_GLYPHS, pick, text


def legend_html(
    modalities: Sequence[str], *, branch: bool = False, instruments: Sequence[Instrument] = ()
) -> str:
    """Return what the lines mean, as HTML.

    Parameters
    ----------
    modalities : sequence of str
        Shown literally.
    branch : bool
        Whether a second run is drawn.
    instruments : sequence of Instrument
        Those that are drawn.
    """
    entries = [
        _entry(name, line_of(m), pick(MODALITY_GLYPHS, m)) for m, name in enumerate(modalities)
    ]
    entries.append(_entry(tr("fused, head"), FUSED))
    pairs = list(itertools.combinations(modalities, 2))
    if 1 < len(pairs) <= MANY_PAIRS:
        entries += [
            _entry(tr("{a} to {b}", a=a, b=b), pair_style(i)) for i, (a, b) in enumerate(pairs)
        ]
    elif len(pairs) > MANY_PAIRS:
        told = tr("gaps: each one's mean to the others")
        entries.append(f"<span>{told}</span>")
    own = dict(line for one in instruments for line in beside_modalities(one))
    entries += [_entry(tr(name), style) for name, style in own.items() if name != "fused"]
    if branch:
        entries.append(_entry(tr("branch"), {**FUSED, **BRANCH_STYLE}))
    return f'<div class="mla-legend">{"".join(entries)}</div>'


def _entry(name: str, line: Mapping[str, Any], glyph: str = "") -> str:
    mark = f'<span aria-hidden="true" style="color:{line["color"]}">{glyph}</span> ' * bool(glyph)
    dash = DASHES[line.get("dash", "solid")]
    return (
        '<span><svg viewBox="0 0 26 8" width="26" height="8" aria-hidden="true"><line x1="0" '
        f'x2="26" y1="4" y2="4" stroke="{line["color"]}" stroke-width="{line["width"]}" '
        f'stroke-dasharray="{dash}" opacity="{line.get("opacity", 1)}"/></svg>{mark}{text(name)}</span>'
    )
