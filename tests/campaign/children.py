"""Processes that may be killed, may hang, and may take only so much memory.

They are forked from a server that has imported the lab once and computed nothing.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import resource
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from tests import ROOT

_SERVER = multiprocessing.get_context("forkserver")
_LOADED = (
    "mla_core.cli.main",
    "mla_core.runs",
    "mla_core.records",
    "widgets.export",
    "nbformat",
    "av",
    "sklearn.linear_model",  # what is told of a run at its end
    "sklearn.manifold",
)


class Child:
    """A process that calls one function, in a session of its own.

    Parameters
    ----------
    action : callable
        Of a module; what it returns is the exit code.
    *arguments
    log : Path
        Where it writes what it says.
    memory : int
        Bytes beyond those of its start; 0 means any number.
    """

    def __init__(
        self, action: Callable[..., int | None], *arguments: Any, log: Path, memory: int = 0
    ) -> None:
        paths = [str(ROOT), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
        os.environ["PYTHONPATH"] = os.pathsep.join(dict.fromkeys(paths))
        _SERVER.set_forkserver_preload(list(_LOADED))
        self.log = log
        given = (action, arguments, str(log), memory)
        self.process = _SERVER.Process(target=_call, args=given)
        self.process.start()
        self._seen = set[psutil.Process]()  # below it when a signal was sent, in whatever session

    def wait(self, seconds: float) -> int | None:
        """Return its exit code, below 0 for a signal; None when it still runs and is killed now."""
        self.process.join(seconds)
        code = self.process.exitcode
        if code is None:
            self.send(signal.SIGKILL, "group")
            self.process.join()
        return code

    def send(self, number: int, whom: str = "parent") -> None:
        """Send a signal to it, to one of its own children, or to all of them."""
        pid = self.process.pid
        with contextlib.suppress(ProcessLookupError, psutil.NoSuchProcess, IndexError):
            self._seen |= set(psutil.Process(pid).children(recursive=True))
            if whom == "group":
                os.killpg(pid, number)
            elif whom == "worker":
                os.kill(psutil.Process(pid).children(recursive=True)[-1].pid, number)
            else:
                os.kill(pid, number)

    def orphans(self, seconds: float) -> int:
        """Return how many of its session, and of those below it, are still there after so long."""
        end = time.monotonic() + seconds
        while found := _of_session(self.process.pid) | {p for p in self._seen if _lives(p)}:
            if time.monotonic() > end:
                for one in found:
                    with contextlib.suppress(psutil.NoSuchProcess):
                        one.kill()
                return len(found)
            time.sleep(0.2)
        return 0

    def said(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def crashed(self) -> bool:
        """Whether it showed a traceback; Ctrl-C before the command is up and running is none."""
        said = self.said().rstrip()
        # torchrun tells in one of its own that a process ended, with whatever sentence.
        tracebacks = said.count("Traceback") - said.count("ChildFailedError:")
        return tracebacks > 0 and not said.endswith("KeyboardInterrupt")


def _of_session(leader: int) -> set[psutil.Process]:
    found = set[psutil.Process]()
    for one in psutil.process_iter():
        with contextlib.suppress(OSError):
            found |= {one} if os.getsid(one.pid) == leader and _lives(one) else set()
    return found


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def _call(action: Callable[..., int | None], arguments: Any, log: str, memory: int) -> None:
    from tqdm import tqdm

    os.setsid()
    tqdm.set_lock(threading.RLock())  # its default is a semaphore, which a kill would leave behind
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with Path(log).open("ab", buffering=0) as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    if memory:
        now = psutil.Process().memory_info().vms
        resource.setrlimit(resource.RLIMIT_AS, (now + memory, now + memory))
    try:
        code = action(*arguments)
    except BaseException:  # noqa: BLE001 - as the interpreter itself would
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.exit(code or 0)
