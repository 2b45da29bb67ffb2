"""The fusion explorer on paper: one sample clean and spoilt, and every modality's curve."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from IPython.display import HTML, display

from mla_core.analysis import (
    best_modality,
    fused_again,
    in_place,
    most_uncertain,
    rescued,
    rules_for,
    sweep,
    weighed_by,
)
from mla_core.data.corruption import Corruptor, Damage
from mla_core.language import tr
from mla_core.session import TrainingSession
from widgets.charts import MapState, media_html
from widgets.fusion.curves import curve_figure, curves_table, refresh_study, study_figure
from widgets.fusion.formula import formula_html
from widgets.fusion.grid import FusionGrid, can_be_a_grid
from widgets.fusion.pictures import fused_html, heading_html, part_html, title_html
from widgets.page import colour, on_page, show, tell_what_needs_a_kernel

COUNT = 6  # levels of a curve


class FusionReport:
    """What the fusion explorer shows, static: for headless notebooks.

    Parameters
    ----------
    session : TrainingSession

    Attributes
    ----------
    session : TrainingSession
    sample : str
        The one shown: rescued by fusion if any was, else the most uncertain one.
    figures : list of Figure
        Map, reliability and the curve of the best single modality; then the other modalities' curves.
    html : list of str
        The sample clean, the sample with its best modality spoilt, and a table for each curve.
    """

    def __init__(self, session: TrainingSession) -> None:
        self.session = session = session.reported()
        self._corruptor = Corruptor(session.data, session.config.seed)
        clean = session.evaluate(session.probe)
        rules = rules_for(session.method)
        index = [*rescued(clean), *most_uncertain(clean), 0][0]
        self.sample = clean.ids[index]
        best = clean.modalities[best_modality(clean)]
        names = [best, *(name for name in clean.modalities if name != best)]
        self.figures, tables = [], []
        for name in names:
            kind = next(iter(self._corruptor.corruptions(name).values()))
            found = sweep(session, self._corruptor, name, kind.name, count=COUNT)
            curves = found.accuracies(rules)
            if name == best:
                figure = study_figure(clean, MapState().pca(clean), rules, found)
                refresh_study(
                    figure,
                    clean,
                    curves=curves,
                    sweep=found,
                    kind=kind,
                    rule=rules[0],
                    chosen=(index, None),
                )
            else:
                figure = curve_figure(found, kind, curves, colour(clean.modalities.index(name)))
            self.figures.append(figure)
            tables.append(curves_table(found, kind, curves))
        kind = next(iter(self._corruptor.corruptions(best).values()))
        spoilt = Damage(best, kind.name, kind.levels(3)[1])
        self.html = [self._sample_html(()), self._sample_html((spoilt,)), *tables]

    def _ipython_display_(self) -> None:
        tell_what_needs_a_kernel(tr("To spoil any sample in any way"))
        if on_page() and can_be_a_grid(self.session):
            display(FusionGrid(self.session))
        else:
            display(HTML(self.html[0]))
            display(HTML(self.html[1]))
        for figure, table in zip(self.figures, self.html[2:], strict=True):
            show(figure)
            display(HTML(table))

    def _sample_html(self, damages: Sequence[Damage]) -> str:
        session, classes = self.session, self.session.data.classes
        clean = session.evaluate(session.probe)
        index = clean.ids.index(self.sample)
        one = session.probe.subset(torch.tensor([index]))
        answer = session.evaluate(self._corruptor.corrupt(one, damages))
        rule = rules_for(session.method)[0]
        found = fused_again(in_place(clean, answer), rule)
        weighs = weighed_by(session.method, rule)
        media = {part.modality: part for part in self._corruptor.media(self.sample, damages)}
        columns = []
        for m, name in enumerate(found.modalities):
            part = media.get(name)
            seen = media_html(part, session.data.modalities[name].note) if part else ""
            said = part_html(found, index, m, classes, weighs=weighs)
            columns.append(_column(title_html(name, m), f"{seen}{said}"))
        before = int(clean.fused[index].argmax())
        columns.append(
            _column(f"<b>◆ {tr('fused')}</b>", fused_html(found, index, classes, before))
        )
        formula = formula_html(found, index, rule, classes, weighs=weighs)
        return (
            f"{heading_html(found, index, classes)}"
            '<div style="display:flex;gap:14px;flex-wrap:wrap;align-items:flex-start">'
            f"{''.join(columns)}</div>{formula}"
        )


def _column(title: str, inside: str) -> str:
    return f'<section style="flex:1 1 165px;max-width:300px">{title}{inside}</section>'
