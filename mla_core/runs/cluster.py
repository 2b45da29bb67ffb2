"""Runs on the workers of an existing Dask cluster, one task for each."""

from __future__ import annotations

import io
import secrets
import shutil
import tempfile
import zipfile
from collections.abc import Generator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mla_core.errors import ConfigError
from mla_core.references import allow_import, allowed
from mla_core.runs.attempts import Outcome, Todo, attempt
from mla_core.version import __version__

if TYPE_CHECKING:
    from distributed import Client

PATIENCE = 10  # seconds for a scheduler to answer
DEATHS = 1  # further workers that a run may take with it before it counts as failed


def outcomes(
    todo: Todo, notebook: Path | None, out: Path, *, address: str, fetch: bool = False
) -> Generator[Outcome]:
    """Yield what became of each run, as it ends.

    A worker that dies costs the runs it held, which others begin again, from their last snapshot
    where `out` is shared. A run that kills its second worker, too, has failed.

    Parameters
    ----------
    todo : dict
    notebook : Path or None
    out : Path
        The same folder on all machines, unless runs are fetched.
    address : str
        ``tcp://host:port``, as ``dask scheduler`` prints it.
    fetch : bool
        Run in folders of the workers' own, and have what comes of it sent here.

    Raises
    ------
    ConfigError
        When no scheduler answers or it goes away, when there is no worker, when one has another
        version or several threads, when one does not see `out`, or without `distributed`.
    """
    if not todo:
        return
    try:
        from distributed import CancelledError, KilledWorker, as_completed
        from distributed.comm.core import CommClosedError
    except ImportError as error:
        msg = "a cluster needs the package distributed: pip install 'mla-lab[cluster]'"
        raise ConfigError(msg) from error

    client: Any = _client(address)  # its methods have no types
    tasks: dict[Any, str] = {}
    try:
        _check_workers(client, address)
        where = None if fetch else out.resolve()
        if where is not None:
            _check_shared(client, where)
        client.run_on_scheduler(_allow_deaths)
        waiting = list(todo)[::-1]
        ended: Any = as_completed(loop=client.loop)  # type: ignore[no-untyped-call]
        while waiting or tasks:
            # No more than there are workers: what waits on one that dies would count as its victim.
            while waiting and len(tasks) < max(1, len(client.nthreads())):
                name = waiting.pop()
                given = (allowed(), name, todo[name], notebook, where)
                # Another key each time, or the scheduler would hand out what it knows already.
                key = f"{name}-{secrets.token_hex(4)}"
                tasks[task := client.submit(_run, *given, key=key, pure=False)] = name
                ended.add(task)
            task = next(ended)
            name = tasks.pop(task)
            try:
                outcome, packed = task.result()
            except KilledWorker as error:
                yield name, f"it killed {DEATHS + 1} workers, one after the other: {error}", ""
                continue
            if packed is not None:
                _unpack(packed, out / name)
            task.release()
            yield outcome
    except (CancelledError, CommClosedError) as error:  # whatever it was just asked
        msg = f"the scheduler at {address} is gone: start it and its workers, and the same "
        raise ConfigError(f"{msg}command goes on from here") from error
    finally:
        with suppress(Exception):  # of a scheduler that is gone there is nothing to cancel
            client.cancel(list(tasks))
        client.close(timeout=PATIENCE)


def _client(address: str) -> Client:
    from distributed import Client

    try:
        return Client(address, timeout=PATIENCE, set_as_default=False)  # type: ignore[no-untyped-call]
    except (OSError, TimeoutError, ValueError, ImportError) as error:
        msg = (
            f"no scheduler answers at {address!r} ({str(error) or type(error).__name__}): start `dask "
            "scheduler`, and give the address that it prints, such as tcp://10.0.0.1:8786"
        )
        raise ConfigError(msg) from error


def _check_workers(client: Client, address: str) -> None:
    workers = client.scheduler_info(n_workers=-1)["workers"]
    if not workers:
        msg = (
            f"the scheduler at {address} has no workers: start `dask worker {address} --nthreads 1`"
        )
        raise ConfigError(msg)
    if busy := [name for name, one in workers.items() if one["nthreads"] != 1]:
        msg = (
            f"the worker {busy[0]} has {workers[busy[0]]['nthreads']} threads, but a run needs a "
            "process to itself: start it with --nthreads 1 (and --nworkers for several)"
        )
        raise ConfigError(msg)
    for name, theirs in client.run(_versions, on_error="return").items():
        if isinstance(theirs, Exception):
            msg = f"the worker {name} cannot import mla_core ({theirs}): install it there, too"
            raise ConfigError(msg)
        if theirs != _versions():
            there, here = (
                " and ".join(f"{package} {number}" for package, number in versions.items())
                for versions in (theirs, _versions())
            )
            msg = f"the worker {name} has {there}, here are {here}: install the same"
            raise ConfigError(msg)


def _versions() -> dict[str, str]:
    import torch

    return {"mla-lab": __version__, "torch": torch.__version__.partition("+")[0]}


def _check_shared(client: Client, out: Path) -> None:
    """Let every worker look for a file of a name that nobody can guess."""
    sign = out / f".shared-{secrets.token_hex(8)}"
    sign.touch()
    try:
        blind = [name for name, sees in client.run(sign.exists).items() if not sees]
    finally:
        sign.unlink()
    if blind:
        msg = (
            f"the worker {blind[0]} does not see the folder {str(out)!r}: name one with --out that "
            "all machines share, or have the runs sent here with --fetch"
        )
        raise ConfigError(msg)


def _allow_deaths(dask_scheduler: Any) -> None:
    dask_scheduler.allowed_failures = DEATHS


def _run(
    modules: frozenset[str], name: str, what: Any, notebook: Path | None, out: Path | None
) -> tuple[Outcome, bytes | None]:
    """Run it on a worker; return also the folder where the caller cannot see it."""
    allow_import(*modules)
    if out is not None:
        return attempt(name, what, notebook, out), None
    with tempfile.TemporaryDirectory(prefix="mla-lab-") as own:
        outcome = attempt(name, what, notebook, Path(own))
        return outcome, None if outcome[1] else _pack(Path(own) / name)


def _pack(folder: Path) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for path in sorted(folder.rglob("*")):
            archive.write(path, path.relative_to(folder))
    return packed.getvalue()


def _unpack(packed: bytes, folder: Path) -> None:
    """Put a run's folder where it belongs, whole or not at all."""
    beside = folder.with_name(f".{folder.name}.fetched")
    shutil.rmtree(beside, ignore_errors=True)
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        archive.extractall(beside)
    beside.rename(folder)
