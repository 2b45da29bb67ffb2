"""The modality gap of a run, to explore: through training, along the gap, sample by sample."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Coroutine, Sequence
from concurrent.futures.process import BrokenProcessPool
from typing import Any

import numpy as np
from IPython.display import display

from mla_core.data.dataset import MultimodalDataset
from mla_core.embedding import MapWorker
from mla_core.errors import ConfigError
from mla_core.gap_shift import AMOUNTS, shifted
from mla_core.history import Evaluation
from mla_core.replay import Map, Replay, unit_features
from mla_core.session import TrainingSession
from widgets import per_cell
from widgets.controls import close
from widgets.embedding_view import EmbeddingView, parts_of
from widgets.gap_report import GapReport

TIME = "time"
UMAP_LOOKS = 12
FEWEST_POINTS = 5  # a UMAP needs neighbours
UMAP_CAPTION = "UMAP, nonlinear: distances between groups are not the gap"

Way = tuple[str, str]  # which modality moves, and towards which


class GapExplorer:
    """A map of a run with everything around it; see `explore_gap`.

    Parameters
    ----------
    source : TrainingSession or Replay
    data : MultimodalDataset, optional
        Whose pictures, sounds and words are shown; by default the session's.

    Attributes
    ----------
    replay : Replay
        The looks recorded until now.
    view : EmbeddingView

    Raises
    ------
    ConfigError
        Outside a notebook, where no event loop runs.
    """

    def __init__(
        self, source: TrainingSession | Replay, data: MultimodalDataset | None = None
    ) -> None:
        try:
            self._loop = asyncio.get_running_loop()
        except RuntimeError as error:
            msg = "the explorer needs a notebook; elsewhere use widgets.explore_gap(headless=True)"
            raise ConfigError(msg) from error
        self._session = source if isinstance(source, TrainingSession) else None
        self._looks = self._session.recording.evaluations if self._session else []
        self._data = self._session.data if self._session and data is None else data
        self.replay = replay_of(source, self._looks)
        self._ways = ways(self.replay) if self._session else {}
        self._notes: dict[str, str] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._worker: MapWorker | None = None
        per_cell.register(self)
        axes = {TIME: "training"} | {key: f"{a} → {b}" for key, (a, b) in self._ways.items()}
        self._axes = axes
        self.view = EmbeddingView(self.replay, axes=axes, live=self._data is not None)
        # Callbacks may run in another thread, so they only hand the wish to the event loop.
        self.view.observe(lambda change: self._soon(self._bring_media, change["new"]), "wanted")
        self.view.observe(lambda change: self._soon(self._slide_along, change["new"]), "axis")
        if self._looks:
            self._start("UMAP", self._add_umap())

    def close(self) -> None:
        """Stop all work and remove the widget."""
        for task in self._tasks.values():
            task.cancel()
        if self._worker is not None:
            self._worker.close()
        close(self.view)

    def _ipython_display_(self) -> None:
        display(self.view)

    # ------------------------------------------------------------------- all below: event loop

    def _soon(self, make: Any, wish: str) -> None:
        def start() -> None:
            self._start(make.__name__, make(wish))

        self._loop.call_soon_threadsafe(start)

    def _start(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        """Run one piece of work at a time of each kind; a newer wish replaces an older one."""
        if name in self._tasks:
            self._tasks[name].cancel()
        task = self._tasks[name] = self._loop.create_task(work)
        task.add_done_callback(lambda done: self._tell_fault(name, done))

    def _tell_fault(self, name: str, done: asyncio.Task[None]) -> None:
        if not done.cancelled() and (error := done.exception()) is not None:
            known = isinstance(error, ConfigError)
            self._say(name, str(error) if known else f"That failed: {error!r}.")

    def _say(self, name: str, sentence: str) -> None:
        self._notes[name] = sentence
        self.view.note = " ".join(filter(None, self._notes.values()))

    async def _bring_media(self, sample: str) -> None:
        if self._data is not None and sample in self.replay.ids:
            media = await asyncio.to_thread(self._data.media, sample)
            self.view.media = {sample: parts_of(media)}

    async def _slide_along(self, axis: str) -> None:
        shifts = None
        replay, look = self.replay, len(self.replay.steps) - 1
        if axis in self._ways:
            moved, towards = self._ways[axis]
            self._say("_slide_along", f"Moving {moved} along the gap …")
            replay = await asyncio.to_thread(shift_replay, self._session, moved, towards)
            shifts, look = shift_texts(moved, towards), AMOUNTS.index(0)
        with self.view.hold_sync():
            self.view.playing, self.view.look = False, look
            self.view.show_replay(
                replay, axes=self._axes, live=self._data is not None, shifts=shifts
            )
        self._say("_slide_along", "")

    async def _add_umap(self) -> None:
        """Compute UMAPs of a dozen looks, each started from the one before, and offer them."""
        assert self._session is not None  # noqa: S101 - it has looks
        if len(unit_features(self._looks[-1])) < FEWEST_POINTS:
            self._say("UMAP", f"A UMAP needs at least {FEWEST_POINTS} points.")
            return
        self._worker = self._worker or MapWorker()
        chosen = spread(len(self._looks), UMAP_LOOKS)
        coords: list[np.ndarray] = []
        trust: list[float] = []
        for look in chosen:
            self._say("UMAP", f"UMAP: {len(coords)} of {len(chosen)} looks are computed.")
            points = await asyncio.to_thread(unit_features, self._looks[look])
            before = coords[-1] if coords else None
            try:
                future = self._worker.submit(points, before, self._session.config.seed)
                flat, trusted = await asyncio.wrap_future(future)
            except BrokenProcessPool:
                self._say("UMAP", "The UMAP's process was ended; run the cell again for a UMAP.")
                return
            coords.append(flat)
            trust.append(trusted)
        self._worker.close()
        umap = Map("umap", UMAP_CAPTION, np.array(chosen), np.stack(coords), np.array(trust))
        self.replay.maps["umap"] = umap
        if self.view.axis == TIME:
            self.view.add_map(umap)
        self._say("UMAP", "")


def explore_gap(
    source: TrainingSession | Replay,
    *,
    data: MultimodalDataset | None = None,
    headless: bool = False,
) -> GapExplorer | GapReport:
    """Return the explorer of a run's modality gap, or, headless, static figures of it.

    Parameters
    ----------
    source : TrainingSession or Replay
        A session can also move a modality along the gap, and gets a UMAP; a replay of a run folder
        (`Replay.load`) shows what was recorded.
    data : MultimodalDataset, optional
        Whose pictures, sounds and words are shown; by default the session's.
    headless : bool
    """
    if not headless:
        return GapExplorer(source, data)
    if isinstance(source, Replay):
        return GapReport(source)
    replay = replay_of(source, source.recording.evaluations)
    return GapReport(
        replay,
        {f"{a} → {b}": shift_replay(source, a, b) for a, b in list(ways(replay).values())[:2]},
    )


def replay_of(source: TrainingSession | Replay, looks: Sequence[Evaluation]) -> Replay:
    """Return the replay itself, or that of a session's `looks`."""
    if isinstance(source, Replay):
        return source
    return Replay.of(looks, source.data.classes)


def ways(replay: Replay) -> dict[str, Way]:
    """Return every modality's way to every other one that has samples at the replay's looks."""
    here = [
        name for name, there in zip(replay.modalities, replay.present, strict=True) if any(there)
    ]
    return {f"{a}>{b}": (a, b) for a, b in itertools.permutations(here, 2)}


def shift_replay(session: TrainingSession | None, moved: str, towards: str) -> Replay:
    """Return a replay whose looks are not moments but shifts, see `mla_core.gap_shift`."""
    assert session is not None  # noqa: S101 - only a session offers ways
    return Replay.of(shifted(session, moved, towards), session.data.classes)


def shift_texts(moved: str, towards: str) -> dict[float, str]:
    """Return what each of `AMOUNTS` means in words."""
    told = {a: f"{moved} moved by {a:+.1f} of the gap to {towards}" for a in AMOUNTS}
    return told | {0.0: "as it is", 1.0: f"{moved} moved onto {towards}"}


def spread(count: int, most: int) -> list[int]:
    """Return at most `most` of `count` indices, evenly spread, the first and the last included.

    Examples
    --------
    >>> spread(9, 3), spread(2, 3), spread(1, 3)
    ([0, 4, 8], [0, 1], [0])
    """
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(int)).tolist()
