"""From a configuration to one run folder, named by the configuration's hash."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mla_core.analysis import report_of
from mla_core.checksums import seal
from mla_core.config import ExperimentConfig
from mla_core.containers import write_safetensors
from mla_core.data import MultimodalDataset
from mla_core.data.samples import write_faults
from mla_core.errors import ConfigError, ProcessLostError, TrainingDivergedError
from mla_core.evaluation import Replay
from mla_core.files import check_writable, no_room_told, remove, write_json
from mla_core.methods import Call, OneAtATime, Team
from mla_core.named_data import can_change, check_given
from mla_core.outside import path_of
from mla_core.progress import bar, say
from mla_core.records import (
    LOOKS,
    About,
    Journal,
    Snapshot,
    StepRecord,
    computed_on,
    load_snapshot,
    remove_checkpoints,
    save_snapshot,
    trained_on,
)
from mla_core.runs.finished import check_finished
from mla_core.runs.same_data import refuse_other, refuse_other_data, short
from mla_core.runs.unfinished import (
    STOP,
    STOPPED,
    asked_to_stop,
    begin,
    free,
    leave,
    lock_of,
    stopped,
)
from mla_core.session import TrainingSession
from mla_core.settings import hash_of
from mla_core.threads import compute_threads, named_threads, one_blas_thread
from mla_core.version import made_by

if TYPE_CHECKING:
    from tqdm import tqdm

CHECKPOINT_SECONDS = 5.0


def run_experiment(
    config: ExperimentConfig,
    out: str | Path = "runs",
    *,
    data: MultimodalDataset | None = None,
    progress: bool = False,
    team: Team | None = None,
) -> Path:
    """Train as configured and leave one run folder.

    Parameters
    ----------
    config : ExperimentConfig
    out : str or Path
        Where run folders are kept; made when missing.
    data : MultimodalDataset, optional
        Instead of the one that `config` names.
    progress : bool
        Show a progress bar (see `mla_core.progress`).
    team : Team, optional
        Processes that share the work, of which this one leads. Where they share the rows of
        batches, sums are rounded otherwise, and the run has a name of its own.

    Returns
    -------
    Path
        ``out/<hash>`` with ``config.json``, ``metrics.json``, ``history.npz``, ``replay.npz`` (see
        `mla_core.evaluation.replay`) and ``model.safetensors``, ``left_out.csv`` where files could not be
        used, and the checksums of them all in ``SHA256SUMS``. A finished run is not repeated; one that was cut off goes on from its last checkpoint
        and ends with the same numbers.

    Raises
    ------
    ConfigError
        Before training, when `out` cannot be written, or when the run that is there already was
        trained on other data than `config` names by now, or with other settings.
    DataError
        When a file of the run that is there already, or of its checkpoint, is not what was written.
    StoppedError
        When somebody asks it to stop (see `mla_core.runs.stop_run`); a snapshot has been written.

    Examples
    --------
    >>> config = ExperimentConfig(dataset="gaussian", epochs=1)
    >>> folder = run_experiment(config, getfixture("tmp_path"))
    >>> sorted(path.name for path in folder.iterdir())
    ['SHA256SUMS', 'config.json', 'history.npz', 'metrics.json', 'model.safetensors', 'replay.npz']
    """
    check_given(config, data)
    further = {"data": data.fingerprint} if data is not None else {}
    further |= _sharing(team)
    name = hash_of({"config": config.naming(), **further}) if further else config.hash
    with run_folder(out, name) as (partial, finished):
        if partial is not None:
            train(config, partial, data=data, progress=progress, team=team)
        elif data is None:
            refuse_other_data({finished: config})
        else:
            check_finished(finished, config)
    return finished


@contextmanager
def run_folder(out: str | Path, name: str) -> Iterator[tuple[Path | None, Path]]:
    """Give a hidden folder to work in, which becomes ``out/name`` when all went well.

    Yields
    ------
    partial : Path or None
        ``out/.name.partial``, kept when the work is cut off, so that it can be resumed; of work that
        fails before there is a checkpoint, nothing is kept. None when the run was finished before:
        then it is for the caller to look at what is there (`check_finished`).
    finished : Path
        ``out/name``.

    Raises
    ------
    ConfigError
        When `out` cannot be written, or when another process is at work on the same run.
    """
    out = path_of("the folder of runs", out)
    new = not out.exists()
    finished, partial, done = out / name, out / f".{name}.partial", out / f".{name}.done"
    if finished.exists():
        yield None, finished
        return
    check_writable(out)
    try:
        with no_room_told(out), _alone(partial, finished):
            # Who held the lock may just have finished it, or was killed while it tidied up.
            fresh = not finished.exists() and not done.exists()
            if fresh:
                begin(partial)
                try:
                    yield partial, finished
                except BaseException as error:
                    leave(partial, error)
                    raise
                partial.rename(done)  # from here on its checkpoints are not read any more
            if done.exists():
                remove_checkpoints(done)
                (done / STOP).unlink(missing_ok=True)  # asked for when there was nothing to stop
                seal(done)
                done.rename(finished)
            if not fresh:
                yield None, finished
            free(partial)
    finally:
        if new:
            with suppress(OSError):
                out.rmdir()  # only where nothing is left in it


@contextmanager
def _alone(partial: Path, finished: Path) -> Iterator[None]:
    """Hold the lock of a run."""
    from filelock import FileLock, Timeout

    lock = FileLock(lock_of(partial))
    try:
        lock.acquire(timeout=0.5, poll_interval=0.05)  # who looks whether it is held has it, too
    except Timeout as error:
        msg = f"another process is at work on the run {finished}: wait for it, or stop it"
        raise ConfigError(msg) from error
    try:
        yield
    finally:
        lock.release()


def train(
    config: ExperimentConfig,
    folder: Path | None = None,
    *,
    data: MultimodalDataset | None = None,
    progress: bool = False,
    team: Team | None = None,
) -> TrainingSession:
    """Run a session to its end; with a folder, checkpoint it there and write the results.

    Parameters
    ----------
    config : ExperimentConfig
    folder : Path, optional
        Receives checkpoints on the way and the five result files at the end. A checkpoint that is
        there already is resumed.
    data : MultimodalDataset, optional
    progress : bool
    team : Team, optional
        As for `run_experiment`.

    Returns
    -------
    TrainingSession
        Finished.

    Raises
    ------
    ConfigError
        When `folder` cannot be written, or holds a checkpoint of another configuration or data.
    StoppedError
        When a file ``stop`` in `folder` asks for it; a snapshot has been written.
    """
    if folder is not None:
        check_writable(folder)  # now, not after the training
        write_json(folder / "config.json", config.to_dict())
    if team is not None:
        team.call(Call.BEGIN)
    session = TrainingSession(config, data)
    if team is not None:
        assert isinstance(session.method, OneAtATime)  # noqa: S101 - `train_together` has seen to it
        session.method.join(team)
    journal = None if folder is None else _go_on(session, folder)
    safe = session.snapshot()
    with _bar(session, shown=progress) as shown:
        try:
            saved, copying = time.monotonic(), 0.0
            while not session.finished:
                # Of large encoders copying takes time.
                records = session.advance(seconds=max(0.25, 10 * copying))
                began = time.monotonic()
                safe = session.snapshot()  # between two sub-steps, as an interruption may not be
                copying = time.monotonic() - began
                shown.update(session.step - shown.n)
                shown.set_postfix_str(f"epoch {session.epoch}/{config.epochs}")
                if folder is not None and time.monotonic() - saved > CHECKPOINT_SECONDS:
                    _save_state(session, safe, folder)
                    saved = time.monotonic()
                if journal is not None:
                    _tell(session, journal, records, safe)
        except (KeyboardInterrupt, TrainingDivergedError, ProcessLostError):
            if folder is not None:
                _save_state(session, safe, folder)
            raise
    if folder is not None:
        _save_state(session, safe, folder)  # what follows in a notebook may fail and be run again
        devices = computed_on(folder)
        moved = {"devices": devices} if len(devices) > 1 else {}
        write_results(session, folder, _sharing(team) | moved)
    return session


def _sharing(team: Team | None) -> dict[str, Any]:
    """Return what a run's name and report say about its processes: nothing where the bits are those of one."""
    return {"sharing": [team.cut, team.size]} if team is not None and team.splits_rows else {}


def _go_on(session: TrainingSession, folder: Path) -> Journal:
    """Take the session to the checkpoint in its folder, if there is one, and begin its journal."""
    snapshot = load_snapshot(folder)
    if snapshot is None:
        remove(folder / LOOKS)  # of an attempt without a checkpoint, perhaps on other data
    else:
        _restore(session, snapshot, folder)
    (folder / STOPPED).unlink(missing_ok=True)
    data = session.data
    about = About(tuple(data.modalities), tuple(data.classes), session.step + _left(session))
    session.recording.save_newest(folder / LOOKS)
    return Journal(folder, about, session.history)


def _restore(session: TrainingSession, snapshot: Snapshot, folder: Path) -> None:
    if snapshot.config != session.config:
        msg = (
            f"the checkpoint in {str(folder)!r} belongs to the configuration "
            f"{snapshot.config.hash}, not to {session.config.hash}: choose another folder"
        )
        raise ConfigError(msg)
    now = short(session.data)
    known = trained_on(folder) or ("unknown" if can_change(session.config) else now)
    refuse_other(f"the checkpoint in {str(folder)!r}", known, now)
    session.restore(snapshot)
    session.recording.load(folder / LOOKS, snapshot.step)
    before, here = computed_on(folder)[-1:], session.method.model.placement
    if before not in ([], [here.device.type]):
        say(
            f"the checkpoint in {str(folder)!r} was computed on {before[0]!r}; the run goes on on "
            f"{here}, so from here on its numbers are rounded otherwise"
        )


def _tell(
    session: TrainingSession, journal: Journal, records: Sequence[StepRecord], safe: Snapshot
) -> None:
    """Let others see how far the run is, when that is due; and stop where they want it to."""
    stop = asked_to_stop(journal.folder) and not session.finished
    if journal.add(records) or stop or session.finished:
        session.recording.save_newest(journal.folder / LOOKS)  # of which the journal tells
        journal.write(safe.history)
    if stop:
        _save_state(session, safe, journal.folder)
        raise stopped(journal.folder)


def _save_state(session: TrainingSession, safe: Snapshot, folder: Path) -> None:
    """Write what a resumed run needs, the looks first: those beyond the checkpoint do no harm."""
    session.recording.save(folder / LOOKS)
    devices = dict.fromkeys([*computed_on(folder), session.method.model.placement.device.type])
    save_snapshot(safe, folder, short(session.data), list(devices))


@compute_threads()
@one_blas_thread()
def write_results(
    session: TrainingSession, folder: Path, told: Mapping[str, Any] | None = None
) -> None:
    """Write metrics, history, replay and model; touches the test split, once."""
    write_json(folder / "config.json", session.config.to_dict())
    session.history.save(folder / "history.npz")
    replay = Replay.of(session.recording.evaluations, session.data.classes)
    replay.save(folder / "replay.npz")
    weights = session.reported().method.predictor.model.state_dict()
    write_safetensors(folder / "model.safetensors", weights)
    if session.data.left_out:
        write_faults(session.data.left_out, folder / "left_out.csv")
    report = {
        "versions": made_by(),
        **named_threads(),
        **(told or {}),
        "data": short(session.data),
        **({"guests": [g.to_json() for g in guests]} if (guests := session.guests) else {}),
        **report_of(session),
    }
    write_json(folder / "metrics.json", _without_nan(report))


def _bar(session: TrainingSession, *, shown: bool) -> tqdm[Any]:
    return bar(
        desc=f"{session.config.method} on {session.data.name}",
        total=session.step + _left(session),
        initial=session.step,
        unit="step",
        disable=not shown,
    )


def _left(session: TrainingSession) -> int:
    """Return the sub-steps that are still to be taken, if all epochs are like the current one."""
    left = session.config.epochs - session.epoch
    return left * session.steps_per_epoch - session.step_in_epoch


def _without_nan(value: Any) -> Any:
    """Replace NaN, which JSON does not know, by None."""
    if isinstance(value, dict):
        return {key: _without_nan(inner) for key, inner in value.items()}
    return None if isinstance(value, float) and math.isnan(value) else value
