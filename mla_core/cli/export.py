"""The part of the command `mla-lab` that takes runs away and repeats them: `export`, `repeat`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path

from mla_core.cli.options import add_config, add_out
from mla_core.cli.own_code import add_allow_import, allow
from mla_core.config import ExperimentConfig
from mla_core.errors import ConfigError, TrainingDivergedError
from mla_core.language import later, tr

EXPORT = later("""examples:
  mla-lab export runs/0123456789ab                        writes 0123456789ab.html here
  mla-lab export runs/0123456789ab --html talk/first.html
  mla-lab export runs/0123456789ab --html first.html --force    replace the page
  mla-lab export runs/0123456789ab --no-media             without the samples' pictures and sounds

  `mla-lab list runs` names the runs. Open the page by a double click on your machine, send it
  by mail, print it. JupyterLab shows its map when you press Trust HTML.
""")

REPEAT = later("""examples:
  mla-lab repeat config.json                the configuration copied from an exported page
  mla-lab repeat runs/0123456789ab --out again
  mla-lab repeat config.json --allow-import my_lab     it names code of your own, "my_lab:Mine"
  pbpaste | mla-lab repeat -                from the clipboard (macOS; elsewhere: xclip -o)

  A run of a configuration is named by it, so one that is there already is not repeated: give
  another folder to compute it again. A notebook's run is named after the notebook and all that it
  does, since it does more than train: its configuration alone is another run, with the same numbers.
""")


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `export` and `repeat` to the command."""
    raw = argparse.RawDescriptionHelpFormatter
    export = commands.add_parser(
        "export",
        help=tr("write one run as one HTML page, which needs no kernel and no network"),
        description=tr(
            "Write one run as one self-contained HTML page of at most 6 MB: its curves, its map "
            "over time with the samples, its numbers, and its configuration to copy."
        ),
        epilog=tr(EXPORT),
        formatter_class=raw,
    )
    export.add_argument("run", metavar="RUN", type=Path, help=tr("a run folder"))
    export.add_argument(
        "--html",
        type=Path,
        metavar="OUT.html",
        help=tr("the page (default: RUN's name.html, here)"),
    )
    export.add_argument("--force", action="store_true", help=tr("replace a page that is there"))
    add_allow_import(export)
    export.add_argument(
        "--no-media", action="store_true", help=tr("leave the samples' content out")
    )
    export.set_defaults(action=_export)

    repeat = commands.add_parser(
        "repeat",
        help=tr("run a configuration, such as one copied from an exported page"),
        description=tr("Run the experiment that a configuration in JSON describes."),
        epilog=tr(REPEAT),
        formatter_class=raw,
    )
    add_config(repeat)
    add_out(repeat)
    add_allow_import(repeat)
    repeat.set_defaults(action=_repeat)


def _export(arguments: argparse.Namespace) -> int:
    allow(arguments)
    export_run = _page_writer()
    run: Path = arguments.run
    out: Path = arguments.html or Path(f"{run.resolve().name}.html")
    if out.exists() and not arguments.force:
        msg = tr(
            "{page!r} is there already: give --force to replace it, or another name", page=str(out)
        )
        raise ConfigError(msg)
    path = export_run(run, out, media=not arguments.no_media)
    print(f"{path} ({path.stat().st_size / 1e6:.1f} MB)")
    return 0


def _page_writer() -> Callable[..., Path]:
    """Return what writes pages. The core knows no screen, so whoever can do it says so at install."""
    found = entry_points(group="mla_lab.pages", name="html")
    try:
        writer: Callable[..., Path] = next(iter(found)).load()
    except (StopIteration, ImportError) as error:
        msg = tr("nothing here writes pages: install MLA Lab whole, see README.md")
        raise ConfigError(msg) from error
    return writer


def _repeat(arguments: argparse.Namespace) -> int:
    from mla_core.runs import run_experiment

    allow(arguments)
    config = configuration_in(arguments.config)
    finished = (arguments.out / config.hash).exists()
    try:
        folder = run_experiment(config, arguments.out, progress=True)
    except TrainingDivergedError as error:
        print(f"mla-lab: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(tr("mla-lab: stopped; the same command goes on from here"), file=sys.stderr)
        return 130
    before = tr("{folder} (finished before, not repeated)", folder=folder)
    print(before if finished else folder)
    return 0


def configuration_in(source: str) -> ExperimentConfig:
    """Return the configuration that a file or a run folder holds; of the latter only if its data are those that are here."""
    from mla_core.named_data import can_change
    from mla_core.runs import data_of_run, read_run, refuse_new_cache

    folder = Path(source).parent if Path(source).name == "config.json" else Path(source)
    of_a_run = source != "-" and (folder / "metrics.json").exists()
    config = ExperimentConfig.from_json(_read(source))
    refuse_new_cache(config)
    if of_a_run and can_change(config):
        data_of_run(read_run(folder))
    return config


def _read(source: str) -> str:
    if source == "-":
        try:
            return sys.stdin.buffer.read().decode("utf-8")
        except UnicodeDecodeError as error:
            msg = tr("what was read from - is not text in UTF-8: {fault}", fault=error)
            raise ConfigError(msg) from error
    path = Path(source)
    path = path / "config.json" if path.is_dir() else path
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        msg = tr("cannot read the configuration {path!r}: {reason}", path=str(path), reason=reason)
        raise ConfigError(msg) from error
