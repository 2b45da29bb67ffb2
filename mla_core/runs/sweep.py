"""Many runs, several at a time, that can be cut off anywhere: the same call goes on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mla_core.config import ExperimentConfig
from mla_core.errors import ConfigError
from mla_core.files import check_writable, remove
from mla_core.outside import path_of
from mla_core.progress import bar, stream
from mla_core.runs.attempts import STOPPED, Todo
from mla_core.runs.processes import outcomes as of_processes
from mla_core.runs.specification import Specification, read_specification
from mla_core.runs.stages import in_two_stages
from mla_core.runs.sweep_report import Failure, SweepReport, failures_of, write_failures

if TYPE_CHECKING:
    from tqdm import tqdm

__all__ = [
    "Failure",
    "Specification",
    "SweepReport",
    "failures_of",
    "read_specification",
    "run_sweep",
]


def run_sweep(
    specification: Specification,
    out: str | Path,
    jobs: int = 1,
    *,
    cluster: str = "",
    fetch: bool = False,
    progress: bool = False,
) -> SweepReport:
    """Run all configurations, several at a time; finished runs are skipped.

    Where the specification chooses settings first, both stages are run, one after the other.

    Every run computes with the same number of threads (see `mla_core.threads.threads`), so the
    results are the same for any `jobs`.

    Parameters
    ----------
    specification : Specification
    out : str or Path
        Where run folders are kept; made when missing. ``failures-<specification>.json`` in it lists
        the runs that failed, and is there only when there are some, and room for it.
    jobs : int
        Processes; with 1 everything runs in this one.
    cluster : str
        The address of a Dask scheduler, whose workers run everything instead, `jobs` of no matter;
        see `mla_core.runs.cluster`.
    fetch : bool
        Of a cluster whose machines do not share `out`: have finished runs sent here.
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
        When there is something to run and `out` cannot be written, when `jobs` is no positive
        number, when a finished run was trained on other data than there are now, or when several
        processes are to use what is registered in this one alone.
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
    if jobs > 1 or cluster:
        _refuse_unknown_elsewhere(specification)
    out = path_of("the folder of runs", out)
    if cluster:
        from mla_core.runs.cluster import outcomes as of_cluster

        runs_of: Any = partial(of_cluster, address=cluster, fetch=fetch)
    else:
        runs_of = partial(of_processes, jobs=jobs)
    run = partial(_run_all, out=out, runs_of=runs_of, progress=progress)
    if specification.protocol is not None:
        return in_two_stages(specification, out, run)
    return run(specification)


def _run_all(
    specification: Specification, *, out: Path, runs_of: Any, progress: bool
) -> SweepReport:
    """Run what is not finished, each run in what `runs_of` offers."""
    skipped = specification.done(out)
    runs = zip(specification.runs, specification.configurations, strict=True)
    todo = _by_data({name: what for name, what in runs if name not in skipped})
    if todo:
        check_writable(out)
    finished: list[Path] = []
    failures: list[Failure] = []
    stopped: list[str] = []
    listed = failures_of(specification, out)
    if listed.exists():
        remove(listed)
    with (
        _bar(specification, len(skipped), shown=progress) as shown,
        closing(runs_of(todo, specification.notebook, out)) as outcomes,
    ):
        for name, error, trace in outcomes:
            if error == STOPPED:
                stopped.append(name)
            elif error:
                failures.append(Failure(name, specification.runs[name], error, trace))
                with suppress(ConfigError):  # a full disk: they are in the report, too
                    write_failures(failures, listed)
                if progress:
                    label = specification.label(name)
                    shown.write(f"failed: {name}  {label}\n  {error}", file=stream())
            else:
                finished.append(out / name)
            shown.update()
    before = tuple(out / name for name in skipped)
    return SweepReport(tuple(finished), before, tuple(failures), tuple(stopped))


def _by_data(todo: Todo) -> Todo:
    """Put runs of the same data one after the other: what prepares them does so once."""
    places: dict[str, int] = {}

    def place(what: ExperimentConfig | Mapping[str, Any]) -> int:
        given = what.to_dict() if isinstance(what, ExperimentConfig) else what
        data = json.dumps([given.get(key) for key in ("dataset", "dataset_options")], default=str)
        return places.setdefault(data, len(places))

    return dict(sorted(todo.items(), key=lambda one: place(one[1])))


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


def _bar(specification: Specification, done: int, *, shown: bool) -> tqdm[Any]:
    return bar(
        desc=" ".join(filter(None, (specification.name, specification.part))),
        total=len(specification.runs),
        initial=done,
        unit="run",
        disable=not shown,
        smoothing=0.0,  # runs differ in length: the mean is the better guess of what is left
    )
