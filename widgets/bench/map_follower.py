"""Keeps one run's map up to date: PCA with every look, UMAP whenever its process answers."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from typing import Any

import numpy as np

from mla_core.errors import DataError, in_a_sentence
from mla_core.evaluation import MapWorker, unit_features
from mla_core.language import tr
from mla_core.records import Evaluation
from widgets.charts import MapState, MapView, umap_caption

CALM = 5.0  # seconds


class MapOffice:
    """The one process that computes UMAPs for everybody; a new one when somebody ended it.

    It takes seconds to get ready. It begins when a map is asked for, or `CALM` seconds after the
    bench was made: not at once, since the first picture would wait for the cores that it takes.
    """

    def __init__(self) -> None:
        self._worker: MapWorker | None = None
        self._begin = asyncio.get_running_loop().call_later(CALM, self._get_ready)

    def _get_ready(self) -> None:
        with contextlib.suppress(Exception):  # whoever asks for a map is told
            _ = self.worker

    @property
    def worker(self) -> MapWorker:
        """The process."""
        self._begin.cancel()
        if self._worker is None:
            self._worker = MapWorker()
        return self._worker

    def submit(
        self, points: np.ndarray, previous: np.ndarray | None, seed: int
    ) -> Future[tuple[np.ndarray, float]] | None:
        """Ask for a map; None when the process is gone, and the next time finds a new one.

        Raises whatever keeps the system from giving another process.
        """
        try:
            return self.worker.submit(points, previous, seed)
        except BrokenProcessPool:
            self._worker = None
            return None

    @property
    def warming(self) -> bool:
        """Whether the process gets ready, so that the first map takes longer."""
        return self._worker is not None and not self._worker.warm_up.done()

    def close(self) -> None:
        """End the process."""
        self._begin.cancel()
        if self._worker is not None:
            self._worker.close()


class MapFollower:
    """The map of one run, of whichever look is shown. Lives on the event loop.

    Parameters
    ----------
    office : MapOffice
    seed : int
    changed : callable
        Called with a sentence, or ``""``, when a UMAP has come or failed.
    beside : MapFollower, optional
        Of the first run, when this one is a branch: the map is turned to match that one.

    """

    def __init__(
        self,
        office: MapOffice,
        seed: int,
        changed: Callable[[str], None],
        beside: MapFollower | None = None,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._office = office
        self._seed = seed
        self._changed = changed
        self._beside = beside
        self._maps = MapState()
        self._placed: tuple[Evaluation, str] | None = None  # the look of the PCA, and what it adds
        self._asked: Evaluation | None = None  # the look whose UMAP was asked for last
        self._umap: tuple[np.ndarray, float, int] | None = None  # the last one, with trust and step
        self._pending = False
        self._closed = False

    async def follow(self, evaluation: Evaluation, kind: str, *, calm: bool = False) -> MapView:
        """Return the map of this look: its PCA, or the newest UMAP when there is one.

        Parameters
        ----------
        evaluation : Evaluation
        kind : {"pca", "umap"}
        calm : bool
            While training runs, one UMAP an epoch is enough.
        """
        if kind == "umap":
            asked = self._asked
            enough = calm and asked is not None and asked.epoch == evaluation.epoch
            if not self._pending and evaluation is not asked and not enough:
                self._ask(evaluation)
            if (view := self._maps.views.get("umap")) is not None:
                return view
        warming = kind == "umap" and self._office.warming
        wanted = evaluation, tr(", UMAP is warming up") if warming else ""
        if wanted != self._placed:  # large features take half a second, during which clicks count
            await asyncio.to_thread(self._maps.pca, *wanted, self._reference("pca"))
            self._placed = wanted
        return self._maps.views["pca"]

    def say_again(self) -> None:
        """Say in the present language what the maps are."""
        self._placed = None
        self._keep_umap()

    def close(self) -> None:
        """Ignore whatever still comes."""
        self._closed = True

    def _reference(self, kind: str) -> np.ndarray | None:
        return None if self._beside is None else self._beside._maps.previous(kind)  # noqa: SLF001

    def _ask(self, evaluation: Evaluation) -> None:
        before = self._reference("umap")
        if before is None:
            before = self._maps.previous("umap")
        points = unit_features(evaluation)
        try:
            future = self._office.submit(points, before, self._seed)
        except Exception as error:  # noqa: BLE001 - every fault becomes a sentence
            self._asked = evaluation
            told = tr(
                "There is no UMAP, since it got no process ({error}): a restart of the kernel may help.",
                error=in_a_sentence(error),
            )
            self._changed(told)
            return
        if future is None:
            return
        self._asked, self._pending = evaluation, True

        def tell(done: Future[Any]) -> None:
            if not self._loop.is_closed():
                self._loop.call_soon_threadsafe(self._ready, done, evaluation)

        future.add_done_callback(tell)

    def _ready(self, done: Future[Any], evaluation: Evaluation) -> None:
        if self._closed or done.cancelled():
            return
        self._pending = False
        if (error := done.exception()) is not None:
            if isinstance(error, BrokenProcessPool):
                self._asked = None  # not this look's fault
            refused = isinstance(error, DataError)
            self._changed(
                tr("There is no UMAP: {error}.", error=error)
                if refused
                else tr(
                    "The UMAP failed ({error}), it will start again.", error=type(error).__name__
                )
            )
            return
        self._umap = *done.result(), evaluation.step
        self._keep_umap()
        self._changed("")

    def _keep_umap(self) -> None:
        if self._umap is not None:
            coords, trust, step = self._umap
            self._maps.keep("umap", coords, umap_caption(trust, step))
