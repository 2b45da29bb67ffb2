"""Many runs, several at a time, that can be cut off anywhere: the same call goes on."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mla_core.config import ExperimentConfig
from mla_core.errors import ConfigError
from mla_core.files import check_writable
from mla_core.runs.experiment import run_experiment
from mla_core.runs.specification import Specification, read_specification

if TYPE_CHECKING:
    from tqdm import tqdm

__all__ = ["Failure", "Specification", "SweepReport", "read_specification", "run_sweep"]

FAILURES = "failures-{}.json"  # of the specification's name: several may share a folder

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
        ``"TrainingDivergedError: training diverged at step 2 ..."``.
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
        the runs that failed, and is there only when there are some.
    jobs : int
        Processes; with 1 everything runs in this one.
    progress : bool
        Show a bar and failures on standard error.

    Returns
    -------
    SweepReport
        A failing run does not stop the others. When a process is killed, a new pool takes what
        remains; after two pools in a row that died without an outcome the rest counts as failed.

    Raises
    ------
    ConfigError
        When `out` cannot be written, or `jobs` is no positive number.
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
    out = Path(out)
    check_writable(out)
    skipped = specification.done(out)
    todo = {
        name: configuration
        for name, configuration in zip(
            specification.runs, specification.configurations, strict=True
        )
        if name not in skipped
    }
    finished: list[Path] = []
    failures: list[Failure] = []
    _write_failures(failures, out / FAILURES.format(specification.name))
    with _bar(specification, len(skipped), shown=progress) as bar:
        for name, error, trace in _outcomes(todo, specification.notebook, out, jobs):
            if error:
                failures.append(Failure(name, specification.runs[name], error, trace))
                _write_failures(failures, out / FAILURES.format(specification.name))
                if progress:
                    label = specification.label(name)
                    bar.write(f"failed: {name}  {label}\n  {error}", file=sys.stderr)
            else:
                finished.append(out / name)
            bar.update()
    return SweepReport(tuple(finished), tuple(out / name for name in skipped), tuple(failures))


def _outcomes(
    todo: dict[str, ExperimentConfig | Mapping[str, Any]],
    notebook: Path | None,
    out: Path,
    jobs: int,
) -> Iterator[_Outcome]:
    """Yield what became of each run, as it ends, from as many pools as it takes."""
    left, deaths = dict(todo), 0
    if jobs == 1:
        yield from (_attempt(name, what, notebook, out) for name, what in left.items())
        return
    from joblib.externals.loky.process_executor import BrokenProcessPool

    while left and deaths < 2:
        try:
            for outcome in _pool(left, notebook, out, jobs):
                deaths = 0
                del left[outcome[0]]
                yield outcome
        except BrokenProcessPool as error:
            deaths += 1
            reason = str(error).strip().split("\n")[0]
            left = dict(reversed(left.items()))  # a run that kills its process may stand first
    for name in left:
        yield name, f"its process died, twice in a row without any run finishing: {reason}", ""


def _pool(
    todo: dict[str, ExperimentConfig | Mapping[str, Any]],
    notebook: Path | None,
    out: Path,
    jobs: int,
) -> Iterator[_Outcome]:
    """Yield outcomes from one pool of processes, and leave no process behind."""
    from joblib import Parallel, delayed, parallel_config
    from joblib.externals.loky import get_reusable_executor

    whole = False
    try:
        with parallel_config(backend="loky", n_jobs=jobs, inner_max_num_threads=1):
            # Batches of one, so that a process that dies takes one run with it.
            parallel = Parallel(return_as="generator_unordered", batch_size=1, max_nbytes=None)
            calls = [
                delayed(_attempt_in_worker)(os.getpid(), name, what, notebook, out)
                for name, what in todo.items()
            ]
            yield from parallel(calls)
        whole = True
    finally:
        get_reusable_executor(reuse=True).shutdown(wait=True, kill_workers=not whole)


def _attempt_in_worker(
    parent: int,
    name: str,
    what: ExperimentConfig | Mapping[str, Any],
    notebook: Path | None,
    out: Path,
) -> _Outcome:
    from tqdm import tqdm

    tqdm.set_lock(threading.RLock())  # its default is a semaphore, which a kill would leave behind
    _leave_with(parent)
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
            run_experiment(what, out)
        elif notebook is not None:
            run_notebook(notebook, what, out)
    except Exception as error:  # noqa: BLE001 - whatever it is, the other runs go on
        return name, f"{type(error).__name__}: {error}", traceback.format_exc()
    return name, "", ""


def _bar(specification: Specification, done: int, *, shown: bool) -> tqdm[Any]:
    from tqdm import tqdm

    return tqdm(
        desc=specification.name,
        total=len(specification.runs),
        initial=done,
        unit="run",
        disable=not shown,
        smoothing=0.0,  # runs differ in length: the mean is the better guess of what is left
    )


def _write_failures(failures: list[Failure], path: Path) -> None:
    if not failures:
        path.unlink(missing_ok=True)
        return
    listed = [
        {"run": f.run, "settings": f.settings, "error": f.error, "traceback": f.trace}
        for f in failures
    ]
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.write_text(json.dumps(listed, indent=2) + "\n")
    beside.replace(path)
