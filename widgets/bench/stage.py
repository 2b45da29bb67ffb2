"""One run's map, and beside it the sample behind the point that was chosen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ipywidgets as ipw
import numpy as np
import traitlets

from mla_core.data import MultimodalDataset
from mla_core.evaluation import Map, Replay
from mla_core.records import Evaluation
from widgets.charts import MapView, Run
from widgets.charts import sample as sample_view
from widgets.gap import EmbeddingView
from widgets.page import close

SHARED = ("pinned", "hovered", "colour", "hidden_modalities", "hidden_classes")


class Stage:
    """The map of a run and one of its samples; the map is made when there is something to show.

    Parameters
    ----------
    data : MultimodalDataset
    title : str
        Of the run, where there are two.
    on_pick : callable
        ``(id)`` of the sample that was clicked, or ``""``; called in any thread.
    beside : Stage, optional
        Of the first run: whatever is pointed at, kept or filtered is so in both maps.

    Attributes
    ----------
    box : HBox
    map : EmbeddingView or None
    """

    def __init__(
        self,
        data: MultimodalDataset,
        title: str,
        on_pick: Callable[[str], None],
        beside: Stage | None = None,
    ) -> None:
        self._data = data
        self._title = title
        self._on_pick = on_pick
        self._beside = beside
        self._shown: tuple[Any, ...] = ()
        self._placed: tuple[Evaluation, MapView] | None = None
        self._links: list[traitlets.link] = []
        self.map: EmbeddingView | None = None
        self._place = ipw.VBox([ipw.HTML("<p class='mla-hint'>Drawing the map …</p>")])
        self._place.add_class("mla-stage-map")
        self.sample = ipw.HTML(sample_view.EMPTY)
        self.sample.add_class("mla-stage-sample")
        self.box = ipw.HBox([self._place, self.sample])
        self.box.add_class("mla-stage")

    def show(self, run: Run, sample: str, radius: float) -> None:
        """Show the look of a run at the moment shown, and what it makes of a sample.

        Parameters
        ----------
        run : Run
        sample : str
            Its id, or ``""``.
        radius : float
            Of the map, the same for runs that are compared.
        """
        look = run.look
        if look is None or run.view is None or run.summary is None:
            return
        if self._placed is None or self._placed != (look, run.view):
            view = run.view
            never = np.array([np.nan])  # measured here
            one = Map(view.kind, view.caption, np.array([0]), view.coords[None], never)
            maps, summaries = {view.kind: one}, [run.summary]
            replay = Replay.of([look], self._data.classes, maps=maps, summaries=summaries)
            self._move(replay, radius)
            self._placed = look, run.view
        self._tell(run, look, sample)

    def name(self, title: str) -> None:
        """Call it so from now on."""
        self._title, self._shown = title, ()

    def close(self) -> None:
        """Remove every widget."""
        for link in self._links:
            link.unlink()
        for widget in (self.map, *self._place.children, self._place, self.sample, self.box):
            if widget is not None:
                close(widget)

    def _move(self, replay: Replay, radius: float) -> None:
        if self.map is not None:
            self.map.show_look(replay, radius)
            return
        self.map = EmbeddingView(replay, alone=True)
        self.map.show_look(replay, radius)
        self.map.observe(lambda change: self._on_pick(change["new"]), "pinned")
        if self._beside is not None and self._beside.map is not None:
            self._links = [
                traitlets.link((self._beside.map, name), (self.map, name)) for name in SHARED
            ]
        waiting = self._place.children
        self._place.children = [self.map]
        for widget in waiting:
            close(widget)

    def _tell(self, run: Run, look: Evaluation, sample: str) -> None:
        config = run.config
        shown = (look, sample, config.method, config.fusion)
        if shown == self._shown:
            return
        self._shown = shown
        if self.map is not None and self.map.pinned != sample:
            self.map.pinned = sample
        title = f"<b>{self._title}</b>" if self._title else ""
        known = sample in look.ids
        told = (
            sample_view.sample_html(self._data, look, sample, config.method, config.fusion)
            if known
            else sample_view.EMPTY
        )
        self.sample.value = title + told
