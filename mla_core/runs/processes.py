"""Runs on this machine, several at a time, each in a process of its own."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Generator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, wait
from functools import cache
from pathlib import Path
from typing import Any

from mla_core.config import ExperimentConfig
from mla_core.references import allow_import, allowed
from mla_core.runs.attempts import Outcome, Todo, attempt

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


def outcomes(
    todo: Todo,
    notebook: Path | None,
    out: Path,
    jobs: int,
) -> Generator[Outcome]:
    """Yield what became of each run, as it ends.

    Every process has one run at a time and a pool to itself, so one that dies takes no other run
    with it. Its own run is tried once more, after the others: perhaps memory was short.
    """
    if jobs == 1:
        yield from (attempt(name, what, notebook, out) for name, what in todo.items())
        return
    from joblib.externals.loky.process_executor import BrokenProcessPool

    waiting, died, whole = deque(todo), set[str](), False
    pools, idle = list[Any](), list[Any]()
    busy: dict[Future[Outcome], tuple[str, Any]] = {}
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
) -> Outcome:
    from tqdm import tqdm

    tqdm.set_lock(threading.RLock())  # its default is a semaphore, which a kill would leave behind
    _leave_with(parent)
    allow_import(*modules)
    return attempt(name, what, notebook, out)


@cache
def _leave_with(parent: int) -> None:
    """End this process soon after the sweep's own: it would hold its run's lock for hours."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)  # as safe as a kill: what a run writes is renamed into place

    threading.Thread(target=watch, daemon=True).start()
