"""The explorer of the modality gap with a run behind it: media, the UMAP, and the shifted gap."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Sequence
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from mla_core.analysis import gap_shift, in_range, one_run
from mla_core.checksums import check_sum
from mla_core.data import MultimodalDataset
from mla_core.data.samples import Media
from mla_core.errors import ConfigError, DataError
from mla_core.evaluation import UMAP_LEAST, Map, MapWorker, Replay, unit_features
from mla_core.language import tr
from mla_core.records import Evaluation
from mla_core.session import TrainingSession
from mla_core.threads import compute_threads
from mla_core.words import sentences
from widgets.gap.embedding_view import EmbeddingView, parts_of, payload
from widgets.gap.media import view_for_page
from widgets.gap.report import GapReport, gaps_figure, maps_figure, shift_figure
from widgets.page import on_page, per_cell
from widgets.questions import Told

UMAP_LOOKS = 12
TIME = "time"


class GapExplorer:
    """The explorer, live. Show it as the last line of a cell.

    Parameters
    ----------
    session : TrainingSession or None
        Gives media, the UMAP and the shifted gap; a replay by itself has none of them.
    replay : Replay

    Attributes
    ----------
    view : EmbeddingView
    """

    def __init__(self, session: TrainingSession | None, replay: Replay) -> None:
        self._session = session
        self._replay = replay
        shifts = session is not None and session.method.reads_features
        self._axes = _axes(replay) if shifts else {}
        self._options: dict[str, Any] = {"axes": self._axes, "live": session is not None}
        self.view = EmbeddingView(replay, **self._options)
        self._tasks: set[asyncio.Task[None]] = set()
        self._worker: MapWorker | None = None
        try:
            self._loop: asyncio.AbstractEventLoop | None = asyncio.get_running_loop()
        except RuntimeError:
            self._loop = None  # outside a notebook, where no page waits for an answer
        per_cell.register(self)
        if session is not None:
            self.view.observe(lambda change: self._soon(self._give_media, change["new"]), "wanted")
            self.view.observe(lambda change: self._soon(self._change_axis, change["new"]), "axis")
            self._start_umap(session)

    def _soon(self, act: Callable[[str], None], chosen: str) -> None:
        """Answer on the event loop: the page may be heard in any thread."""
        if self._loop is None:
            act(chosen)
        else:
            self._loop.call_soon_threadsafe(act, chosen)

    def close(self) -> None:
        """Stop all work and remove the widget."""
        for task in self._tasks:
            task.cancel()
        self._end_worker()
        self.view.close()

    def _repr_mimebundle_(self, **options: Any) -> Any:
        return self.view._repr_mimebundle_(**options)

    # ------------------------------------------------------------------- what the page asks for

    def _give_media(self, wanted: str) -> None:
        assert self._session is not None  # noqa: S101 - observed with a session only
        try:
            parts = media_of(self._session.data, wanted)
        except (DataError, OSError) as error:
            self.view.note = tr(
                "The sample {sample} cannot be shown: {error}", sample=wanted, error=error
            )
            parts = []
        self.view.media = {wanted: parts_of(parts)}

    def _change_axis(self, chosen: str) -> None:
        if chosen == TIME:
            self._show(self._replay, len(self._replay.steps) - 1)
            return
        if self._loop is None:
            self._show_shifted(self._shifted(chosen))
            return
        self.view.note = tr("The moved features are read by the head.")
        task = self._loop.create_task(self._shift_soon(chosen))
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    async def _shift_soon(self, chosen: str) -> None:
        looks = await asyncio.to_thread(self._shifted, chosen)
        if self.view.axis == chosen:  # else the reader has gone on
            self._show_shifted(looks)

    def _show_shifted(self, shifted: tuple[Replay, dict[float, str]]) -> None:
        looks, shifts = shifted
        self._show(looks, gap_shift.SHIFTS.index(0), shifts=shifts)

    def _shifted(self, chosen: str) -> tuple[Replay, dict[float, str]]:
        session = self._session
        if session is None or chosen not in self._axes:
            msg = tr(
                "there is nothing to slide along called {chosen!r}: choose {known}",
                chosen=chosen,
                known=list(self._axes),
            )
            raise ConfigError(msg)
        names = self._replay.modalities
        moved, towards = (names[int(number)] for number in chosen.split(":")[1:])
        return shifted_replay(session, moved, towards), {
            amount: tr(
                "{moved} moved by {amount:+.1f} of the gap to {towards}",
                moved=moved,
                amount=amount,
                towards=towards,
            )
            for amount in gap_shift.SHIFTS
        }

    def _show(self, replay: Replay, look: int, **options: Any) -> None:
        shown = payload(replay, **self._options, **options)
        with self.view.hold_sync():  # one message, so that the page never sees half of it
            self.view.playing, self.view.note, self.view.look = False, "", look
            if self.view.map not in shown["maps"]:
                self.view.map = "pca"
            for name in ("maps", "arrays", "meta"):
                setattr(self.view, name, shown[name])

    # ------------------------------------------------------------------------------- the UMAP

    def _start_umap(self, session: TrainingSession) -> None:
        if self._loop is None:
            return  # nobody would receive it
        points = len(unit_features(session.recording.evaluations[-1]))
        if points < UMAP_LEAST:
            self.view.note = tr(
                "There is no UMAP: it needs {least} points, and here are {points}.",
                least=UMAP_LEAST,
                points=points,
            )
            return
        task = self._loop.create_task(
            self._make_umap(session.recording.evaluations, session.config.seed)
        )
        self._tasks.add(task)
        task.add_done_callback(self._end_worker)
        task.add_done_callback(self._ended)

    async def _make_umap(self, evaluations: list[Evaluation], seed: int) -> None:
        self._worker = MapWorker()
        looks = chosen_looks(len(evaluations))
        coords: list[np.ndarray] = []
        trust = []
        for number, look in enumerate(looks):
            self.view.note = tr(
                "The UMAP is computed: look {number} of {n}.", number=number + 1, n=len(looks)
            )
            cloud = unit_features(evaluations[look])
            before = coords[-1] if coords else None
            placed, good = await asyncio.wrap_future(self._worker.submit(cloud, before, seed))
            coords.append(placed)
            trust.append(good)
        made = umap_over_time(looks, coords, trust)
        self._replay = replace(self._replay, maps={**self._replay.maps, "umap": made})
        if self.view.axis == TIME:
            self.view.add_map(made)
        self.view.note = ""

    def _end_worker(self, _: object = None) -> None:
        if self._worker is not None:
            self._worker.close()
            self._worker = None

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            ended = isinstance(error, BrokenProcessPool)
            self.view.note = tr(
                "That did not work: {why}. Run the cell again.",
                why=tr("its process was ended") if ended else error,
            )


def explore_gap(
    source: TrainingSession | Replay | str | Path, *, headless: bool = False
) -> GapExplorer | GapReport:
    """Return the explorer of the modality gap, or, headless, static figures of the same.

    Parameters
    ----------
    source : TrainingSession, Replay, or path of a run folder
        A session that is not being trained right now. A replay or a run folder has the map, the
        curves and the selection, but no media, no UMAP and no gap to shift.
    headless : bool
        On a page that runs the widgets' scripts (`on_page`), the map of a session stays alive.

    Raises
    ------
    DataError
        When a run folder has no replay, or a damaged one.
    """
    session = source if isinstance(source, TrainingSession) else None
    if session is not None:
        replay = Replay.of(session.recording.evaluations, session.data.classes)
    elif isinstance(source, Replay):
        replay = source
    else:
        assert isinstance(source, (str, Path))  # noqa: S101 - the only other kind there is
        check_sum(Path(source), "replay.npz", tr("run it again"))
        replay = Replay.load(Path(source) / "replay.npz")
    if not headless:
        return GapExplorer(session, replay)
    alive = session if on_page() else None
    view = view_for_page(replay, alive.data.media) if alive else None
    figures = [gaps_figure(replay)] if view else [maps_figure(replay), gaps_figure(replay)]
    there = [name for name, row in zip(replay.modalities, replay.present, strict=True) if row.any()]
    if session is not None and session.method.reads_features and len(there) > 1:
        moved, towards = there[:2]
        figures.append(shift_figure(shifted_replay(session, moved, towards), moved, towards))
    return GapReport(figures, view)


def shifted_replay(session: TrainingSession, moved: str, towards: str) -> Replay:
    """Return a replay whose looks are not times but shifts along the gap, `gap_shift.SHIFTS`.

    Parameters
    ----------
    session : TrainingSession
    moved, towards : str
        As in `mla_core.analysis.gap_shift.shift`.
    """
    twin = session.fork()  # the original may be trained from another cell meanwhile
    looks = gap_shift.shift(twin.evaluate(twin.probe), twin.method, moved, towards)
    with compute_threads():
        return Replay.of(looks, session.data.classes)


def gap_change(session: TrainingSession, edges: Sequence[float]) -> Told:
    """Return which range the change of the mean gap over a run lies in, in percent.

    Parameters
    ----------
    session : TrainingSession
        Of two modalities or more.
    edges : sequence of float
        As for `mla_core.analysis.guesses.ranges`.

    Raises
    ------
    ConfigError
        When there was no gap at the start to compare with.
    """
    replay = Replay.of(session.recording.evaluations, session.data.classes)
    gap = replay.centroid_gap.mean(1)
    if not gap[0] > 0:
        msg = tr(
            "the gap is {gap:.2f} at the start, so its change in percent does not exist",
            gap=gap[0],
        )
        raise ConfigError(msg)
    choice, told = in_range(100 * float(gap[-1] / gap[0] - 1), edges, tr("percent"))
    return choice, sentences(told, one_run(session.config.seed)), gaps_figure(replay)


def shift_change(
    session: TrainingSession, moved: str, towards: str, edges: Sequence[float]
) -> Told:
    """Return which range the change of a modality's accuracy lies in when its gap is closed.

    Parameters
    ----------
    session : TrainingSession
    moved, towards : str
        As in `mla_core.analysis.gap_shift.shift`.
    edges : sequence of float
        In points, as for `mla_core.analysis.guesses.ranges`.
    """
    before, after = gap_shift.shift(
        session.evaluate(session.probe), session.method, moved, towards, (0, 1)
    )
    change = after.unimodal_accuracy[moved] - before.unimodal_accuracy[moved]
    figure = shift_figure(shifted_replay(session, moved, towards), moved, towards)
    choice, told = in_range(100 * change, edges, tr("points"))
    return choice, sentences(told, one_run(session.config.seed)), figure


def media_of(data: MultimodalDataset, sample: str) -> list[Media]:
    """Return one sample's parts, with what is known about each modality in their captions."""
    return [
        replace(
            part,
            caption=". ".join(filter(None, (part.caption, data.modalities[part.modality].note))),
        )
        for part in data.media(sample)
    ]


def chosen_looks(count: int) -> list[int]:
    """Return at most `UMAP_LOOKS` of so many looks, evenly spread, the last one included.

    Examples
    --------
    >>> chosen_looks(3), len(chosen_looks(100)), chosen_looks(100)[-1]
    ([0, 1, 2], 12, 99)
    """
    chosen = np.linspace(0, count - 1, min(count, UMAP_LOOKS))
    return [int(look) for look in chosen.round()]


def umap_over_time(looks: list[int], coords: list[np.ndarray], trust: list[float]) -> Map:
    """Return UMAPs of some looks, each started from the one before, as a map of a replay."""
    caption = tr(
        "UMAP, recomputed at {n} of the looks, each started from the one before: distances are "
        "not the gap",
        n=len(looks),
    )
    return Map("umap", caption, np.array(looks), np.stack(coords), np.array(trust, np.float32))


def _axes(replay: Replay) -> dict[str, str]:
    pairs = itertools.permutations(range(len(replay.modalities)), 2)
    here = [bool(row.any()) for row in replay.present]
    shifts = {
        f"shift:{a}:{b}": tr(
            "gap, {moved} towards {towards}",
            moved=replay.modalities[a],
            towards=replay.modalities[b],
        )
        for a, b in pairs
        if here[a] and here[b]
    }
    return {TIME: tr("training"), **shifts}
