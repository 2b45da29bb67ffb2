"""What is disturbed: a run, a sweep, a preparation, an export; and what each must leave."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import mla_core as mla
from mla_core.cli.main import main
from mla_core.errors import OURS
from tests.campaign.children import Child
from tests.campaign.tally import Budget, Tally
from tests.core.media_files import SMALL, noise_picture, sound, write_manifest

SETTINGS = {
    "dataset": "gaussian",
    "dataset_options": {"sizes": [60, 30, 30]},
    "epochs": 2,
    "stopping": "best",
    "evaluate_every": 3,
    "batch_size": 16,
}
SWEEP = """description = "Is it the same?"
[common]
dataset = "gaussian"
dataset_options = {sizes = [60, 30, 30]}
epochs = 2
[grid]
seed = [0, 1, 2]
"""


@dataclass(frozen=True)
class Job:
    """Something that may be stopped at any moment and begun again.

    Attributes
    ----------
    name : str
    action : callable
        With the folder that it writes to; of a module, since a process of its own calls it.
    arguments : tuple
        Before the folder.
    left : callable
        From that folder to what is there under its final name: name -> bytes.
    whom : tuple of str
        Who is stopped (see `Child.send`).
    """

    name: str
    action: Callable[..., int | None]
    arguments: tuple[str, ...]
    left: Callable[[Path], dict[str, bytes]]
    whom: tuple[str, ...] = ("parent",)

    def start(self, out: Path, log: Path) -> Child:
        return Child(self.action, *self.arguments, str(out), log=log)


def each_job(
    work: Path, budget: Budget, disturb: Callable[[Job, Path, Budget], Tally]
) -> list[Tally]:
    """Disturb every job, in equal shares of the time."""
    found = jobs(work)
    share = Budget(budget.seed, budget.tries, budget.seconds / len(found))
    return [disturb(job, work, share) for job in found]


def jobs(work: Path) -> list[Job]:
    """Return all of them; what they read is written to `work`."""
    (work / "config.json").write_text(json.dumps(SETTINGS))
    (work / "question.toml").write_text(SWEEP)
    run = finished_run(work)
    sweep = (str(work / "question.toml"),)
    return [
        Job("run", repeat, (str(work / "config.json"),), visible),
        Job("sweep", run_sweep, sweep, visible, ("group", "parent", "worker")),
        Job("preparation", prepare, (str(manifest(work)),), visible),
        Job("export", export, (str(run),), visible),
    ]


def finished_run(work: Path) -> Path:
    """Return a finished run, made in a process of its own: this one computes nothing."""
    child = Child(repeat, str(work / "config.json"), str(work / "runs"), log=work / "made.log")
    assert child.wait(300) == 0, child.said()
    return next(path for path in (work / "runs").iterdir() if not path.name.startswith("."))


def manifest(work: Path) -> Path:
    folder, lines = work / "media", []
    folder.mkdir(exist_ok=True)
    for i in range(40):
        noise_picture(folder / f"{i}.png", 32)
        sound(folder / f"{i}.wav")
        row = {"id": f"s{i}", "label": "ab"[i % 2], "image": f"{i}.png", "audio": f"{i}.wav"}
        lines.append(row)
    return write_manifest(folder / "manifest.csv", lines)


def visible(out: Path) -> dict[str, bytes]:
    """Return every file that is not hidden, nor in a hidden folder."""
    found = {}
    for path in sorted(out.rglob("*")):
        name = path.relative_to(out).as_posix()
        hidden = any(part.startswith(".") for part in name.split("/"))
        if path.is_file() and not hidden and not name.startswith("failures-"):
            found[name] = path.read_bytes()
    return found


# ------------------------------------------------------------------ called in other processes


def checkpoint_always() -> None:
    """Let a tiny run write as many checkpoints as a long one."""
    from mla_core.runs import experiment

    advance = mla.TrainingSession.advance
    experiment.CHECKPOINT_SECONDS = 0
    mla.TrainingSession.advance = lambda self, **_: advance(self, steps=3)


def repeat(config: str, out: str) -> int:
    checkpoint_always()
    return main(["repeat", config, "--out", out])


def run_sweep(specification: str, out: str) -> int:
    return main(["sweep", specification, "--jobs", "2", "--out", out])


def prepare(path: str, out: str) -> int:
    try:
        mla.load_dataset("manifest", path=path, prepare=SMALL, cache=out)
    except OURS as error:
        print(error)
        return 2
    return 0


def export(run: str, out: str) -> int:
    return main(["export", run, "--html", f"{out}/page.html", "--force"])
