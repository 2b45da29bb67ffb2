"""Fusion without a kernel: a few samples, each part at a few levels of spoiling (`grid.js`)."""

from __future__ import annotations

from typing import Any

import anywidget
import torch
import traitlets

from mla_core.analysis import OWN, broken, most_uncertain, rescued, rules_for
from mla_core.data.corruption import DROP, Corruptor, Damage
from mla_core.language import tr
from mla_core.session import TrainingSession
from widgets.gap import FOR_MEDIA, as_base64
from widgets.page import FUSED_COLOUR, MODALITY_GLYPHS, colour, pick, script, stylesheet
from widgets.page.spoken import Spoken

SAMPLES = 9  # at most, of all kinds
OF_EACH = 3
LEVELS = 6


class FusionGrid(Spoken, anywidget.AnyWidget):
    """Spoil parts, change the rule and the temperature; the page itself computes eq. 6 to 8.

    Parameters
    ----------
    session : TrainingSession
        Of a method with logits for each modality (`can_be_a_grid`).

    Attributes
    ----------
    meta : dict
        Modalities with their levels, classes, and samples with all their logits and media.
    sample : int
        Which of the samples is shown.
    levels : list of int
        Which level each part has; -1: it is dropped.
    rule : {"entropy", "uniform"}
    temperature : float
    """

    _esm = script("page/dom", "fusion/grid")
    _css = stylesheet("fusion/grid")
    meta = traitlets.Dict().tag(sync=True)
    sample = traitlets.Int(0).tag(sync=True)
    levels = traitlets.List(traitlets.Int()).tag(sync=True)
    rule = traitlets.Unicode("entropy").tag(sync=True)
    temperature = traitlets.Float(1.0).tag(sync=True)

    def __init__(self, session: TrainingSession) -> None:
        super().__init__(meta=_meta(session), levels=[0] * len(session.data.modalities))


def can_be_a_grid(session: TrainingSession) -> bool:
    """Whether each modality's logits depend on its own part alone, so that a grid holds them all."""
    return rules_for(session.method)[0] != OWN


def _meta(session: TrainingSession) -> dict[str, Any]:
    corruptor = Corruptor(session.data, session.config.seed)
    names = list(session.data.modalities)
    kinds = [next(iter(corruptor.corruptions(name).values())) for name in names]
    levels = [[] if kind.name == DROP else kind.levels(LEVELS) for kind in kinds]
    damages: dict[str, list[Damage | None]] = {
        name: [Damage(name, kind.name, level) for level in levels[m]] or [None]
        for m, (name, kind) in enumerate(zip(names, kinds, strict=True))
    }
    clean = session.evaluate(session.probe)
    chosen = _samples(clean)
    split = session.probe.subset(torch.tensor(chosen))
    logits: list[list[list[list[float]] | None]] = [[] for _ in chosen]  # sample, modality, level
    for m, name in enumerate(names):
        looks = [
            clean.logits[m, chosen]
            if damage is None
            else session.evaluate(corruptor.corrupt(split, [damage])).logits[m]
            for damage in damages[name]
        ]
        for n, index in enumerate(chosen):
            here = bool(clean.present[m, index])
            logits[n].append([look[n].tolist() for look in looks] if here else None)
    media = _Media(corruptor)
    return {
        "modalities": [
            {
                "name": name,
                "label": tr(kind.label),
                "unit": tr(kind.unit),
                "levels": levels[m] or [tr("clean")],
            }
            for m, (name, kind) in enumerate(zip(names, kinds, strict=True))
        ],
        "classes": list(session.data.classes),
        "colours": [colour(m) for m in range(len(names))],
        "glyphs": [pick(MODALITY_GLYPHS, m) for m in range(len(names))],
        "fused_colour": FUSED_COLOUR,
        "samples": [
            {
                "id": clean.ids[index],
                "label": int(clean.labels[index]),
                "logits": logits[n],
                "media": [
                    [media.of(clean.ids[index], name, damage) for damage in damages[name]]
                    for name in names
                ],
            }
            for n, index in enumerate(chosen)
        ],
    }


def _samples(clean: Any) -> list[int]:
    """Return some that fusion rescued, some that it broke, some that are unsure, and the first ones."""
    every = [rescued(clean)[:OF_EACH], broken(clean)[:OF_EACH], most_uncertain(clean)[:OF_EACH]]
    order = [index for few in every for index in few] + list(range(len(clean.ids)))
    return list(dict.fromkeys(order))[:SAMPLES]


class _Media:
    """What parts look and sound like, until the page is full."""

    def __init__(self, corruptor: Corruptor) -> None:
        self._corruptor = corruptor
        self._left = FOR_MEDIA

    def of(self, sample: str, modality: str, damage: Damage | None) -> dict[str, str] | None:
        for part in self._corruptor.media(sample, [damage] if damage else []) if self._left else ():
            if part.modality == modality:
                data = as_base64(part.data)
                fits = len(data) <= self._left
                self._left = self._left - len(data) if fits else 0  # full: no more is read
                return {"mime": part.mime, "data": data} if fits else None
        return None
