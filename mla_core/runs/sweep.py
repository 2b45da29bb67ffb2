"""Many runs, several at a time, that can be cut off anywhere: the same call goes on."""

from __future__ import annotations

import os
import threading
import time
import traceback
from collections import deque
from collections.abc import Generator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mla_core.config import ExperimentConfig
from mla_core.errors import ConfigError
from mla_core.files import check_writable, remove, write_json
from mla_core.progress import bar, stream
from mla_core.references import allow_import, allowed
from mla_core.runs.experiment import run_experiment
from mla_core.runs.specification import Specification, read_specification

if TYPE_CHECKING:
    from tqdm import tqdm

__all__ = ["Failure", "Specification", "SweepReport", "read_specification", "run_sweep"]

FAILURES = "failures-{}.json"  # of the specification's name: several may share a folder

# By these the libraries that numpy and torch compute with know how many threads to start.
_THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMBA_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)

_Outcome = tuple[str, str, str]  # the run's name, the error ("" when all went well), its traceback


@dataclass(frozen=True)
class Failure:
    """A run that raised, or whose process died.

    Attributes
    ----------
    run : str
        Its folder's name.
    settings : dict
        All its settings.
    error : str
        ``"TrainingDivergedError: training diverged in sub-step 2 ..."``.
    trace : str
        The traceback, empty when a process died.
    """

    run: str
    settings: dict[str, Any]
    error: str
    trace: str = ""


@dataclass(frozen=True)
class SweepReport:
    """How a sweep went.

    Attributes
    ----------
    finished, skipped : tuple of Path
        Folders of the runs finished now, and of those finished before.
    failures : tuple of Failure
    """

    finished: tuple[Path, ...]
    skipped: tuple[Path, ...]
    failures: tuple[Failure, ...]

    @property
    def folders(self) -> tuple[Path, ...]:
        """All run folders that are there now."""
        return self.skipped + self.finished


def run_sweep(
    specification: Specification, out: str | Path, jobs: int = 1, *, progress: bool = False
) -> SweepReport:
    """Run all configurations, several at a time; finished runs are skipped.

    Every run computes with the same number of threads (see `mla_core.threads.THREADS`), so the
    results are the same for any `jobs`.

    Parameters
    ----------
    specification : Specification
    out : str or Path
        Where run folders are kept; made when missing. ``failures-<specification>.json`` in it lists
        the runs that failed, and is there only when there are some, and room for it.
    jobs : int
        Processes; with 1 everything runs in this one.
    progress : bool
        Show a bar and failures (see `mla_core.progress`).

    Returns
    -------
    SweepReport
        A failing run does not stop the others. A run whose process was killed is tried again, and
        counts as failed when that happens twice.

    Raises
    ------
    ConfigError
        When there is something to run and `out` cannot be written, when `jobs` is no positive number, when a finished run was
        trained on other data than there are now, or when several processes are to use what is
        registered in this one alone.
    KeyboardInterrupt
        After the processes have been stopped; the same call goes on.

    Examples
    --------
    >>> config = ExperimentConfig(dataset="gaussian", epochs=1)
    >>> specification = Specification("one", "Does it run?", None, (config,), "")
    >>> folder = getfixture("tmp_path")
    >>> report = run_sweep(specification, folder)
    >>> len(report.finished), len(report.skipped), len(report.failures)
    (1, 0, 0)
    >>> len(run_sweep(specification, folder).skipped)
    1
    """
    if isinstance(jobs, bool) or not isinstance(jobs, int) or jobs < 1:
        msg = f"jobs must be a whole number of at least 1, not {jobs!r}"
        raise ConfigError(msg)
    if jobs > 1:
        _refuse_unknown_elsewhere(specification)
    out = Path(out)
    skipped = specification.done(out)
    todo = {
        name: configuration
        for name, configuration in zip(
            specification.runs, specification.configurations, strict=True
        )
        if name not in skipped
    }
    if todo:
        check_writable(out)
    finished: list[Path] = []
    failures: list[Failure] = []
    listed = out / FAILURES.format(specification.name)
    if listed.exists():
        remove(listed)
    with (
        _bar(specification, len(skipped), shown=progress) as shown,
        closing(_outcomes(todo, specification.notebook, out, jobs)) as outcomes,
    ):
        for name, error, trace in outcomes:
            if error:
                failures.append(Failure(name, specification.runs[name], error, trace))
                with suppress(ConfigError):  # a full disk: they are in the report, too
                    _write_failures(failures, listed)
                if progress:
                    label = specification.label(name)
                    shown.write(f"failed: {name}  {label}\n  {error}", file=stream())
            else:
                finished.append(out / name)
            shown.update()
    return SweepReport(tuple(finished), tuple(out / name for name in skipped), tuple(failures))


def _refuse_unknown_elsewhere(specification: Specification) -> None:
    """Refuse what was registered in this process alone: the others would not find it."""
    for configuration in specification.configurations:
        names = configuration.only_here() if isinstance(configuration, ExperimentConfig) else []
        if names:
            msg = (
                f"{names[0]!r} is registered in this process alone, where the other processes of a "
                f"sweep cannot find it: put it into a file, such as my_lab.py, and name it "
                f"'my_lab:{names[0]}', or run the sweep with jobs=1"
            )
            raise ConfigError(msg)


def _outcomes(
    todo: dict[str, ExperimentConfig | Mapping[str, Any]],
    notebook: Path | None,
    out: Path,
    jobs: int,
) -> Generator[_Outcome]:
    """Yield what became of each run, as it ends.

    Every process has one run at a time and a pool to itself, so one that dies takes no other run
    with it. Its own run is tried once more, after the others: perhaps memory was short.
    """
    if jobs == 1:
        yield from (_attempt(name, what, notebook, out) for name, what in todo.items())
        return
    from joblib.externals.loky.process_executor import BrokenProcessPool

    waiting, died, whole = deque(todo), set[str](), False
    pools, idle = list[Any](), list[Any]()
    busy: dict[Future[_Outcome], tuple[str, Any]] = {}
    try:
        while waiting or busy:
            while waiting and len(busy) < jobs:
                if not idle:
                    idle.append(_process())
                    pools += idle
                own, name = idle.pop(), waiting[0]
                given = (os.getpid(), allowed(), name, todo[name], notebook, out)
                try:
                    busy[own.submit(_attempt_in_worker, *given)] = name, own
                    waiting.popleft()
                except BrokenProcessPool:  # it has died since: another one takes the run
                    continue
            for ended in wait(busy, return_when=FIRST_COMPLETED).done:
                name, own = busy.pop(ended)
                try:
                    outcome = ended.result()
                    idle.append(own)
                except BrokenProcessPool as error:
                    if name not in died:
                        died.add(name)
                        waiting.append(name)
                        continue
                    outcome = name, f"its process died, twice: {_reason(error)}", ""
                yield outcome
        whole = True
    finally:
        for own in pools:
            own.shutdown(wait=True, kill_workers=not whole)


def _process() -> Any:
    """Return a pool of one process, whose libraries do not start threads of their own."""
    from joblib.externals.loky import ProcessPoolExecutor

    return ProcessPoolExecutor(1, env=dict.fromkeys((*_THREADS, "MLA_LAB_CORES"), "1"))


def _reason(error: Exception) -> str:
    """Return what is known of a death: its likely causes, and the signal or exit code."""
    return " ".join(line.strip() for line in str(error).splitlines()[:3] if line.strip())


def _attempt_in_worker(
    parent: int,
    modules: frozenset[str],
    name: str,
    what: ExperimentConfig | Mapping[str, Any],
    notebook: Path | None,
    out: Path,
) -> _Outcome:
    from tqdm import tqdm

    tqdm.set_lock(threading.RLock())  # its default is a semaphore, which a kill would leave behind
    _leave_with(parent)
    allow_import(*modules)
    return _attempt(name, what, notebook, out)


@cache
def _leave_with(parent: int) -> None:
    """End this process soon after the sweep's own: it would hold its run's lock for hours."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)  # as safe as a kill: what a run writes is renamed into place

    threading.Thread(target=watch, daemon=True).start()


def _attempt(
    name: str, what: ExperimentConfig | Mapping[str, Any], notebook: Path | None, out: Path
) -> _Outcome:
    from mla_core.runs.notebook import run_notebook

    try:
        if isinstance(what, ExperimentConfig):
            if what.hash != name:
                changed = ", ".join(guest.module for guest in what.guests())
                msg = f"the code of {changed} has changed since the sweep began: start it again"
                raise ConfigError(msg)  # noqa: TRY301 - it is this run's outcome
            run_experiment(what, out)
        elif notebook is not None:
            run_notebook(notebook, what, out)
    except Exception as error:  # noqa: BLE001 - whatever it is, the other runs go on
        return name, f"{type(error).__name__}: {error}", traceback.format_exc()
    return name, "", ""


def _bar(specification: Specification, done: int, *, shown: bool) -> tqdm[Any]:
    return bar(
        desc=specification.name,
        total=len(specification.runs),
        initial=done,
        unit="run",
        disable=not shown,
        smoothing=0.0,  # runs differ in length: the mean is the better guess of what is left
    )


def _write_failures(failures: list[Failure], path: Path) -> None:
    remove(path)  # an older list would look like the whole of it
    listed = [
        {"run": f.run, "settings": f.settings, "error": f.error, "traceback": f.trace}
        for f in failures
    ]
    write_json(path, listed)
