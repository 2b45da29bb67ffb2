"""One run's map, and beside it the sample behind the point that was chosen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ipywidgets as ipw
import traitlets

from mla_core.data import MultimodalDataset
from mla_core.language import tr
from mla_core.records import Evaluation
from widgets.bench.map_place import MapPlace, replay_of
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
        Of the run, where there are two: a message in English.
    on_pick : callable
        ``(id)`` of the sample that was clicked, or ``""``; called in any thread.
    beside : Stage, optional
        Of the first run: whatever is pointed at, kept or filtered is so in both maps.

    Attributes
    ----------
    box : HBox
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
        self._place = MapPlace(self._link)
        self.sample = ipw.HTML(sample_view.hint_html())
        self.sample.add_class("mla-stage-sample")
        self.box = ipw.HBox([self._place.box, self.sample])
        self.box.add_class("mla-stage")

    @property
    def map(self) -> EmbeddingView | None:
        """The map, once there is something to show."""
        return self._place.map

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
            replay = replay_of(look, run.view, run.summary, self._data.classes)
            self._place.show(replay, radius)
            self._placed = look, run.view
        self._tell(run, look, sample)

    def name(self, title: str) -> None:
        """Call it so from now on."""
        self._title = title
        self.say_again()

    def say_again(self) -> None:
        """Tell of the sample anew, in the present language."""
        self._shown = ()

    def close(self) -> None:
        """Remove every widget."""
        for link in self._links:
            link.unlink()
        self._place.close()
        for widget in (self.sample, self.box):
            close(widget)

    def _link(self, made: EmbeddingView) -> None:
        made.observe(lambda change: self._on_pick(change["new"]), "pinned")
        if self._beside is not None and self._beside.map is not None:
            self._links = [
                traitlets.link((self._beside.map, name), (made, name)) for name in SHARED
            ]

    def _tell(self, run: Run, look: Evaluation, sample: str) -> None:
        config = run.config
        shown = (look, sample, config.method, config.fusion)
        if shown == self._shown:
            return
        self._shown = shown
        if self.map is not None and self.map.pinned != sample:
            self.map.pinned = sample
        title = f"<b>{tr(self._title)}</b>" if self._title else ""
        known = sample in look.ids
        told = (
            sample_view.sample_html(self._data, look, sample, config.method, config.fusion)
            if known
            else sample_view.hint_html()
        )
        self.sample.value = title + told
