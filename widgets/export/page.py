"""One run as one HTML page that needs no kernel, no server and no network."""

from __future__ import annotations

import hashlib
import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from mla_core.config import ExperimentConfig
from mla_core.errors import ConfigError
from mla_core.language import language, later, messages, tr
from mla_core.records import History
from mla_core.references import is_reference
from widgets.charts import Line, line_chart
from widgets.charts.curves import curves
from widgets.charts.panels import instrument_of
from widgets.gap import SCRIPT, STYLE
from widgets.gap.report import named_pairs
from widgets.page import (
    FUSED_COLOUR,
    MODALITY_DASHES,
    asset,
    colour,
    describe_training,
    pick,
    run_colour,
    safe_json,
    text,
)

NUMBERS = {  # of metrics.json -> what the reader sees
    "accuracy": later("Accuracy, fused"),
    "unimodal_accuracy": later("Accuracy of {name} alone"),
    "ece": later("Calibration error (ECE)"),
    "nll": later("Negative log-likelihood (nats)"),
    "mean_weight": later("Mean weight of {name}"),
    "centroid_gap": later("Modality gap {name}"),
    "separability": later("Separability of modalities"),
}


@dataclass(frozen=True, eq=False)
class Page:
    """What a page shows.

    Attributes
    ----------
    title : str
    config : ExperimentConfig
    modalities : tuple of str
    history : History
    numbers : mapping
        Split -> its numbers, as in ``metrics.json``.
    story : mapping, optional
        The traits of `EmbeddingView` with buffers as base64 text; None when there is no map.
    notes : list of str
        Sentences about what is missing, or what the configuration alone does not tell.
    """

    title: str
    config: ExperimentConfig
    modalities: tuple[str, ...]
    history: History
    numbers: Mapping[str, Mapping[str, Any]]
    story: Mapping[str, Any] | None = None
    notes: list[str] = field(default_factory=list)

    def html(self) -> str:
        """Return the page."""
        script = SCRIPT + asset("page/kept_model.js") + asset("export/export.js")
        said = dict(messages(language(), ".js"))
        written = language().replace("_", "-")
        body = [
            f"<h1>{text(self.title)}</h1>",
            f'<p class="soft">{_origin(self.config)}</p>',
            "".join(f"<p>{text(note)}</p>" for note in self.notes),
            f"<p>{text(describe_training(self.history))}</p>",
            f'<h2>{tr("Curves")}</h2><div class="charts">{"".join(_charts(self))}</div>',
            _map() if self.story else "",
            f"<h2>{tr('Numbers')}</h2>{numbers_table(self.numbers, self.config.metrics)}",
            _repeat(self.config),
            *(
                f'<script type="application/json" id="{name}">{safe_json(value)}</script>'
                for name, value in (("story", self.story), ("messages", said))
                if value
            ),
        ]
        return (
            f'<!doctype html>\n<html lang="{written}"><head><meta charset="utf-8">'
            f'<meta http-equiv="Content-Security-Policy" content="{_policy(script)}">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            f"<title>{text(self.title)}</title><style>{STYLE}{asset('export/export.css')}</style></head>"
            f'<body class="mla-output"><main>{"".join(body)}</main>'
            f'<script type="module">{script}</script></body></html>\n'
        )


def _map() -> str:
    without = tr(
        "The map needs JavaScript; everything else is above and below. In JupyterLab press Trust "
        "HTML, or open the file in your browser."
    )
    return (
        f'<h2>{tr("Map over time")}</h2><div id="map"></div><noscript><p>{without}</p></noscript>'
    )


def numbers_table(numbers: Mapping[str, Mapping[str, Any]], own: Sequence[str] = ()) -> str:
    """Return the numbers as an HTML table, one column per split.

    Examples
    --------
    >>> "<td>0.500</td>" in numbers_table({"test": {"accuracy": 0.5}})
    True
    """
    columns = {side: _flat(values, own) for side, values in numbers.items()}
    names = list(dict.fromkeys(name for column in columns.values() for name in column))
    head = "".join(f'<th scope="col">{text(side)}</th>' for side in columns)
    rows = "".join(
        f'<tr><th scope="row">{text(name)}</th>'
        + "".join(f"<td>{_number(column.get(name))}</td>" for column in columns.values())
        + "</tr>"
        for name in names
    )
    return (
        f'<table class="numbers"><thead><tr><th scope="col">{tr("Number")}</th>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table>"
    )


def _flat(values: Mapping[str, Any], own: Sequence[str]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, title in NUMBERS.items():
        value = values.get(key)
        if isinstance(value, Mapping):
            flat |= {tr(title, name=str(k).replace("|", ", ")): v for k, v in value.items()}
        elif key in values:
            flat[tr(title)] = value
    for key in own:
        if key in values:
            value = values[key]
            whole = isinstance(value, Mapping)
            flat |= {f"{key}, {k}": v for k, v in value.items()} if whole else {key: value}
    return flat


def _number(value: Any) -> str:
    known = isinstance(value, int | float) and np.isfinite(value)
    return f"{value:.3f}" if known else "–"


def _policy(script: str) -> str:
    """Allow this very script, the page's own styles and media in it, and nothing else."""
    digest = b64encode(hashlib.sha256(script.encode()).digest()).decode()
    sources = {
        "default-src": "'none'",
        "script-src": f"'sha256-{digest}'",
        "style-src": "'unsafe-inline'",
        "img-src": "data:",
        "media-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    return "; ".join(f"{kind} {source}" for kind, source in sources.items())


def _charts(page: Page) -> list[str]:
    shown = curves(page.history)
    names = list(page.modalities)
    pairs = [key for key in shown if key.startswith("gap.")]

    def line(key: str, name: str, index: int) -> Line:
        x, y = shown[key]["x"], shown[key]["y"]
        return Line(name, x, y, colour(index), pick(MODALITY_DASHES, index))

    def each(kind: str, extra: Sequence[Line] = ()) -> list[Line]:
        found = [line(f"{kind}.{n}", n, i) for i, n in enumerate(names) if f"{kind}.{n}" in shown]
        return [*extra, *found]

    def fused(key: str, name: str) -> list[Line]:
        if key not in shown:
            return []
        return [Line(name, shown[key]["x"], shown[key]["y"], FUSED_COLOUR, width=3)]

    def other(key: str, name: str, index: int) -> Line:  # neither of a modality nor fused
        return replace(line(key, name, index), colour=run_colour(index))

    ends = np.array([shown[key]["y"][-1] for key in pairs], float)
    called = [key.removeprefix("gap.").replace("|", ", ") for key in pairs]
    named = named_pairs(ends)
    gaps = [
        replace(line(key, called[p], 0), colour=FUSED_COLOUR, dash="solid", width=0.8, named=False)
        for p, key in enumerate(pairs)
        if p not in named
    ]
    gaps += [other(pairs[p], called[p], i) for i, p in enumerate(named)]
    own = [key for key in shown if key.startswith("number.")]
    numbers = [other(key, key.removeprefix("number."), i) for i, key in enumerate(own)]
    method, every = page.config.method, tr("fused")
    watched: dict[str, list[Line]] = {}
    for key in (key for key in shown if key.startswith("instrument.")):
        _, name, of = key.split(".", 2)
        lines = watched.setdefault(name, [])
        if of in names:
            lines.append(line(key, of, names.index(of)))
        else:  # the fused one, or each in a look of its own
            beside = instrument_of(method, name).lines
            lines += fused(key, every) if of == "fused" else [other(key, of, beside.index(of))]
    charts = [
        (tr("Accuracy on the probe set"), each("accuracy", fused("accuracy.fused", every)), 1.0),
        (tr("Importance weights (median)"), each("weight"), 1.0),
        (tr("Modality gap (centroids)"), gaps, None),
        (tr("Training loss (nats)"), each("loss", fused("loss.all", tr("all"))), None),
        (tr("Head forgetting, summed (nats)"), each("forgetting"), None),
        *((tr(instrument_of(method, name).title), lines, None) for name, lines in watched.items()),
        (tr("Further numbers"), numbers, None),
    ]
    return [line_chart(title, lines, top=top) for title, lines, top in charts if lines]


def _origin(config: ExperimentConfig) -> str:
    """Say what this is a page of; what names a configuration may need code that is not allowed here."""
    try:
        name = text(config.hash)
    except ConfigError:
        return tr("A run of MLA Lab. This page needs no kernel and no network.")
    return tr(
        "A run of MLA Lab, configuration {name}. This page needs no kernel and no network.",
        name=name,
    )


def _repeat(config: ExperimentConfig) -> str:
    told = json.dumps(config.to_dict(), indent=2)
    modules = {name.partition(":")[0] for _, name in config.names_of_code() if is_reference(name)}
    how = tr(
        "Copy the configuration. In Python, paste it between the quotes: "
        "<code>mla.run_experiment(mla.ExperimentConfig.from_json(r'''…'''))</code>. On the command "
        "line, save it as <code>config.json</code> and run <code>mla-lab repeat config.json</code>."
    )
    allowed = tr(
        "It names code that is not in it: whoever repeats it needs the same files, and must allow "
        "them: <code>{options}</code>.",
        options=text(" ".join(f"--allow-import {module}" for module in sorted(modules))),
    )
    return (
        f"<h2>{tr('Repeat this run')}</h2><p>{how}</p>{f'<p>{allowed}</p>' if modules else ''}"
        f'<p><button type="button" class="copy" id="copy">{tr("Copy the configuration")}</button> '
        '<span id="copied" role="status"></span></p>'
        f'<pre id="config" tabindex="0" aria-label="{tr("configuration")}">{text(told)}</pre>'
    )
