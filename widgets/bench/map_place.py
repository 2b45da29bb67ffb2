"""Where the map of one look stands: made when there is something to show, then moved on."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import ipywidgets as ipw
import numpy as np

from mla_core.evaluation import Map, Replay
from mla_core.language import tr
from mla_core.records import Evaluation, Summary
from widgets.bench.saying import say
from widgets.charts import MapView
from widgets.gap import EmbeddingView
from widgets.page import close


class MapPlace:
    """The map of whichever look of a run is shown.

    Parameters
    ----------
    made : callable
        Called with the map when it has been made.

    Attributes
    ----------
    box : VBox
    map : EmbeddingView or None
    """

    def __init__(self, made: Callable[[EmbeddingView], object] = lambda _: None) -> None:
        self._made = made
        self.map: EmbeddingView | None = None
        self.box = ipw.VBox([say(ipw.HTML(), value=_waiting)])
        self.box.add_class("mla-stage-map")

    def show(self, replay: Replay, radius: float) -> None:
        """Show a replay of one look.

        Parameters
        ----------
        replay : Replay
        radius : float
            Of the map, around the origin.
        """
        if self.map is not None:
            self.map.show_look(replay, radius)
            return
        self.map = EmbeddingView(replay, alone=True)
        self.map.show_look(replay, radius)
        self._made(self.map)
        waiting = self.box.children
        self.box.children = [self.map]
        for widget in waiting:
            close(widget)

    def close(self) -> None:
        """Remove every widget."""
        for widget in (*self.box.children, self.box):
            close(widget)


def _waiting() -> str:
    told = tr("Drawing the map …")
    return f"<p class='mla-hint'>{told}</p>"


def replay_of(look: Evaluation, view: MapView, summary: Summary, classes: Sequence[str]) -> Replay:
    """Return a look with the map of it that is drawn."""
    never = np.array([np.nan])  # measured here
    one = Map(view.kind, view.caption, np.array([0]), view.coords[None], never)
    return Replay.of([look], classes, maps={view.kind: one}, summaries=[summary])
