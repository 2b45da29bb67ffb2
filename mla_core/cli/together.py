"""One run, trained by the processes that `torchrun` starts, or by one."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

from mla_core.cli import words
from mla_core.cli.export import configuration_in
from mla_core.cli.options import add_config, add_out
from mla_core.cli.own_code import add_allow_import, allow
from mla_core.config import ExperimentConfig
from mla_core.data.samples import read_ahead
from mla_core.encoders import available_devices
from mla_core.errors import ConfigError, DataError, ProcessLostError, TrainingDivergedError
from mla_core.language import later, tr
from mla_core.methods import CUTS, Call, OneAtATime, Team, follow, meet, method_class
from mla_core.named_data import data_of
from mla_core.runs import run_experiment
from mla_core.threads import cores
from mla_core.words import counted

EPILOG = later("""examples:
  python -m mla_core.train config.json                              one process
  torchrun --nproc-per-node 2 -m mla_core.train config.json --parallel modality
  torchrun --standalone --nproc-per-node 4 -m mla_core.train config.json --parallel both

  The same command goes on with what was cut off. See docs/parallel.md.
""")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return 0, or 2 when the input was bad, or 1 when training failed."""
    who, rank = "mla_core.train", int(os.environ.get("RANK", "0"))
    try:
        who = who if rank == 0 else tr("mla_core.train, process {rank}", rank=rank)
        arguments = _parser().parse_args(argv)
        allow(arguments)
        folder = _run(configuration_in(arguments.config), arguments.out, arguments.parallel)
    except (ConfigError, DataError) as error:
        print(f"{who}: {error}", file=sys.stderr)
        return _left(2)
    except (TrainingDivergedError, ProcessLostError) as error:
        print(f"{who}: {error}", file=sys.stderr)
        return _left(1)
    except OSError as error:
        where = f"{str(error.filename)!r}: " if error.filename else ""
        print(f"{who}: {where}{error.strerror or error}", file=sys.stderr)
        return _left(2)
    except KeyboardInterrupt:
        print(tr("{who}: stopped; the same command goes on from here", who=who), file=sys.stderr)
        return _left(130)
    if folder is not None:
        print(folder)
    return _left(0)


def _parser() -> argparse.ArgumentParser:
    words.speak()
    parser = argparse.ArgumentParser(
        prog="python -m mla_core.train",
        description=tr(
            "Train as a configuration says and leave one run folder; with torchrun, in several "
            "processes. A finished run is not repeated, one that was cut off goes on."
        ),
        epilog=tr(EPILOG),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_config(parser)
    add_out(parser)
    parser.add_argument(
        "--parallel",
        choices=CUTS,
        help=tr(
            "what the processes divide: modalities (the numbers are those of one process), the "
            "samples of every batch, or both"
        ),
    )
    add_allow_import(parser)
    return parser


def _run(config: ExperimentConfig, out: Path, cut: str | None) -> Path | None:
    """Lead or follow; return the run folder where this process leads."""
    size = _processes()
    if size == 1:
        return run_experiment(config, out, progress=True)
    if cut is None:
        msg = tr(
            "torchrun started {size} processes: say with --parallel what they divide, {cuts}",
            size=size,
            cuts=", ".join(CUTS),
        )
        raise ConfigError(msg)
    _check_method(config)
    _settle_here(config)
    meet()
    team = Team(cut)
    if team.leads:
        folder = run_experiment(config, out, progress=True, team=team)
        team.call(Call.END)
        return folder
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the leader ends in order, and this one with it
    if team.heard()[0] == Call.BEGIN:
        data = data_of(config)
        method = method_class(config.method)(config, data.modalities, len(data.classes))
        follow(method, read_ahead(data.split("train"), method.model.kept), team)
    return None


def _processes() -> int:
    """Return how many processes train together, as `torchrun` has it."""
    given = os.environ.get("WORLD_SIZE", "1")
    if not given.isdecimal() or int(given) < 1:
        msg = tr(
            "WORLD_SIZE must be a whole number of at least 1, as torchrun sets it, not {given!r}",
            given=given,
        )
        raise ConfigError(msg)
    return int(given)


def _check_method(config: ExperimentConfig) -> None:
    kind = method_class(config.method)
    if not issubclass(kind, OneAtATime):
        msg = tr(
            "method {method!r} trains all modalities at once, so that processes cannot divide its "
            "sub-steps: start one process, or use a method such as 'mla'",
            method=config.method,
        )
        raise ConfigError(msg)
    if kind.end_epoch is not OneAtATime.end_epoch:
        msg = tr(
            "method {method!r} acts between epochs, where it needs all weights in one place: start "
            "one process",
            method=config.method,
        )
        raise ConfigError(msg)
    if config.averaging:
        msg = tr(
            "averaging needs all weights in one place after every round: start one process, or "
            "leave `averaging` at 0"
        )
        raise ConfigError(msg)


def _settle_here(config: ExperimentConfig) -> None:
    """Give this process its share of the machine: cores, and a GPU where there are some.

    Raises
    ------
    ConfigError
        When the machine has fewer GPUs than processes that are to use one.
    """
    local, here = (
        int(os.environ.get("LOCAL_RANK", "0")),
        int(os.environ.get("LOCAL_WORLD_SIZE", "1")),
    )
    os.environ.setdefault("MLA_LAB_CORES", str(max(1, cores() // here)))
    found = available_devices()
    if config.device not in {"auto", *found}:
        msg = tr(
            "device={device!r}, but this machine has {found}: use 'auto'",
            device=config.device,
            found=tr(" and ").join(found),
        )
        raise ConfigError(msg)
    if "cuda" not in found:
        return
    gpus = torch.cuda.device_count()
    if config.device == "cuda" and here > gpus:
        msg = tr(
            "{here} processes on this machine, but it has {gpus}: start at most {most} here, or set "
            "device to 'cpu'",
            here=here,
            gpus=counted(gpus, tr("GPU"), tr("GPUs")),
            most=gpus,
        )
        raise ConfigError(msg)
    torch.cuda.set_device(local % gpus)


def _left(code: int) -> int:
    """Leave at once: what is left of a team may wait for an answer that does not come.

    Where all went well, too: taken down in order, the team's connections have aborted a process
    that had done everything ("terminate called without an active exception"), rarely.
    """
    if torch.distributed.is_initialized():
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    return code
