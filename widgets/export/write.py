"""Take a run away: one self-contained HTML page, within a budget of bytes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from mla_core.checksums import SUMS
from mla_core.config import ExperimentConfig
from mla_core.data import MultimodalDataset
from mla_core.errors import DataError
from mla_core.evaluation import Map, Replay, numbers_of
from mla_core.files import written_whole
from mla_core.language import tr
from mla_core.records import History
from mla_core.runs import Run, data_of_run, read_run
from mla_core.session import TrainingSession
from widgets.export.page import Page
from widgets.gap import STATE, as_base64, media_within, payload
from widgets.page import safe_json

LIMIT = 6_000_000  # bytes of a page
FOR_MAP = 3_500_000  # of them at most for the map over time, when media want what is left
RESERVE = 20_000  # for what is counted last: sentences, and the commas between samples


def export_run(
    run: Run | str | Path, out: str | Path, *, media: bool = True, limit: int = LIMIT
) -> Path:
    """Write a run folder as one HTML page, which opens without a server, kernel or network.

    Parameters
    ----------
    run : Run, str or Path
        A run folder.
    out : str or Path
        The page; one that is there is replaced.
    media : bool
        Whether pictures, sounds and texts of the samples go in, as far as `limit` allows. They are
        read only where the run notes which data it was trained on, and shown only if it is these.
    limit : int
        Bytes.

    Returns
    -------
    Path
        `out`.

    Raises
    ------
    ConfigError
        When `out` cannot be written.
    DataError
        When a file of the run cannot be read or does not fit the others, or the page is too large.

    Examples
    --------
    >>> from mla_core import run_experiment
    >>> folder = getfixture("tmp_path")
    >>> run = run_experiment(ExperimentConfig(dataset="gaussian", epochs=1), folder)
    >>> export_run(run, folder / "run.html").stat().st_size < 6_000_000
    True
    """
    one = run if isinstance(run, Run) else read_run(run)
    notes = _of_guests(one.metrics.get("guests") or [])
    replay = data = None
    if any((one.folder / name).exists() for name in ("replay.npz", SUMS)):
        replay = one.replay()
    else:
        notes.append(tr("There is no map: the run kept no looks to replay."))
    if media and replay is not None:
        try:
            data = data_of_run(one)
        except Exception as error:  # noqa: BLE001 - any loader may fail; the rest is worth having
            notes.append(
                tr("Pictures and sounds of the samples are left out: {fault}.", fault=error)
            )
    numbers = {side: one.metrics[side] for side in ("val", "test")}
    made = _Made(one.label, one.config, one.history(), numbers, replay, data, notes)
    return _write(made.page(limit), out, limit)


def export_session(
    session: TrainingSession, path: str | Path, *, media: bool = True, limit: int = LIMIT
) -> Path:
    """Write a session, finished or not, as the page that `export_run` writes of a run.

    Its numbers are those of the probe set: the test split is left alone.

    Parameters
    ----------
    session : TrainingSession
        Must not train meanwhile.
    path, media, limit
        As in `export_run`.

    Examples
    --------
    >>> session = TrainingSession(ExperimentConfig(dataset="gaussian", probe_size=40))
    >>> export_session(session, getfixture("tmp_path") / "now.html").name
    'now.html'
    """
    evaluation = session.history.latest
    assert evaluation is not None  # noqa: S101 - made with the session
    looks = list(session.recording.evaluations)
    replay = Replay.of(looks, session.data.classes)
    config = session.config
    title = tr(
        "{method} on {dataset}, seed {seed}",
        method=config.method,
        dataset=session.data.name,
        seed=config.seed,
    )
    notes = [
        tr(
            "Exported after {steps} sub-steps, {done} of {epochs} epochs done.",
            steps=session.step,
            done=session.epoch,
            epochs=config.epochs,
        )
    ]
    if session.data.name != config.dataset:
        notes.append(tr("It trains on data of its own, which the configuration does not name."))
    notes += _of_guests([guest.to_json() for guest in session.guests])
    numbers = {tr("probe set"): numbers_of(evaluation, session.config.metrics)}
    data = session.data if media else None
    made = _Made(title, config, session.history, numbers, replay, data, notes)
    return _write(made.page(limit), path, limit)


def _of_guests(guests: Any) -> list[str]:
    """Return a sentence that says whose code a run used besides ours."""
    if not isinstance(guests, list) or not guests:
        return []
    said = []
    for guest in guests:
        known = {key: str(value) for key, value in dict(guest).items()}
        by = f"{known.get('package')} {known.get('version')}".strip() or known.get("module", "?")
        said.append(
            tr(
                "{name} (of {owner}, source {source})",
                name=known.get("name"),
                owner=by,
                source=known.get("source", "")[:12],
            )
        )
    return [tr("It used code that is not MLA Lab's: {guests}.", guests=tr(", ").join(said))]


class _Made:
    """The page of a run: what fits is taken in the order map, then samples."""

    def __init__(
        self,
        title: str,
        config: ExperimentConfig,
        history: History,
        numbers: Mapping[str, Mapping[str, Any]],
        replay: Replay | None,
        data: MultimodalDataset | None,
        notes: list[str],
    ) -> None:
        self._replay, self._data, self._notes = replay, data, notes
        names = tuple(next(iter(numbers.values()))["unimodal_accuracy"])
        self._facts = (title, config, names, history, numbers)
        if history.changes:
            changes = (
                tr(
                    "{name} to {value} after sub-step {step}",
                    name=one.field,
                    value=one.after,
                    step=one.step,
                )
                for one in history.changes
            )
            notes.append(
                tr(
                    "Settings were changed while it ran ({changes}), so the configuration alone "
                    "does not repeat it.",
                    changes=tr("; ").join(changes),
                )
            )

    def page(self, limit: int) -> Page:
        if self._replay is None:
            return Page(*self._facts, notes=self._notes)
        room = limit - RESERVE - len(Page(*self._facts, notes=self._notes).html().encode())
        shown, story = _fitting(self._replay, room if self._data is None else min(FOR_MAP, room))
        if len(shown.steps) < len(self._replay.steps):
            self._notes.append(
                tr(
                    "The map shows {shown} of {looks} looks, evenly chosen.",
                    shown=len(shown.steps),
                    looks=len(self._replay.steps),
                )
            )
        bare = Page(*self._facts, story, self._notes)
        if self._data is None:
            return bare
        left = limit - RESERVE - len(bare.html().encode())
        kept = media_within(left, shown, self._data.media)
        count, out = len(shown.ids), len(shown.ids) - len(kept)
        note = (
            tr(
                "What {kept} of the map's {count} samples look and sound like is in this page; "
                "{out} did not fit.",
                kept=len(kept),
                count=count,
                out=out,
            )
            if out
            else tr(
                "What all {count} samples of the map look and sound like is in this page.",
                count=count,
            )
        )
        return Page(*self._facts, {**story, "media": kept}, [*self._notes, note])


def _fitting(replay: Replay, budget: int) -> tuple[Replay, dict[str, Any]]:
    """Return the replay with as many looks as fit, and the page's traits that show it."""
    looks = len(replay.steps)
    while True:
        story = _story(replay)
        size = len(safe_json(story))
        if size <= budget or len(replay.steps) == 1:
            return replay, story
        looks = max(1, min(len(replay.steps) - 1, int(len(replay.steps) * budget / size)))
        replay = _thinned(replay, looks)


def _story(replay: Replay) -> dict[str, Any]:
    shown = payload(replay)
    arrays = {name: as_base64(data) for name, data in shown["arrays"].items()}
    maps = {}
    for name, one in shown["maps"].items():
        # Half a float: a thousandth of the map's size, less than a marker.
        coords = np.ascontiguousarray(replay.maps[name].coords, np.float16).tobytes()
        maps[name] = {**one, "dtype": "float16", "coords": as_base64(coords)}
    last = {"look": len(replay.steps) - 1}
    return {**STATE, **last, "meta": shown["meta"], "arrays": arrays, "maps": maps, "media": {}}


def _thinned(replay: Replay, looks: int) -> Replay:
    """Return the replay with some of its looks, evenly chosen, the last one among them."""
    total = len(replay.steps)
    kept = np.unique(np.linspace(total - 1, 0, looks).round().astype(int))
    place = {look: i for i, look in enumerate(kept.tolist())}
    maps = {}
    for name, one in replay.maps.items():
        here = [i for i, look in enumerate(one.looks.tolist()) if look in place]
        if here:
            new = np.array([place[int(one.looks[i])] for i in here])
            maps[name] = Map(name, one.caption, new, one.coords[here], one.trust[here])
    per_look = ("steps", "epochs", "predicted", "fused", "weights", "distances")
    numbers = (*per_look, "centroid_gap", "separability")
    arrays: dict[str, Any] = {name: getattr(replay, name)[kept] for name in numbers}
    return replace(replay, **arrays, maps=maps)


def _write(page: Page, out: str | Path, limit: int) -> Path:
    path = Path(out)
    html = page.html().encode()
    if len(html) > limit:
        msg = tr(
            "the page would have {size:.1f} MB, more than {limit:.1f}: run with a smaller probe_size",
            size=len(html) / 1e6,
            limit=limit / 1e6,
        )
        raise DataError(msg)
    with written_whole(path) as beside:
        beside.write_bytes(html)
    return path
