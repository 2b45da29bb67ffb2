"""What is disturbed: runs of four kinds, a preparation, an export; and what each must leave."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import nbformat

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
PARAMETERS = """seed: int = 0
headless: bool = False
run_folder: str = ""
"""
TRAIN = f"""import json
from pathlib import Path
import mla_core as mla
from tests.campaign.jobs import checkpoint_always
checkpoint_always()
config = mla.ExperimentConfig.from_dict({SETTINGS!r})
session = mla.train(config, Path(run_folder))
Path(run_folder, "losses.json").write_text(json.dumps([step.loss for step in session.history.steps]))
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
    stoppable : bool
        Whether `mla-lab stop` ends it, too.
    """

    name: str
    action: Callable[..., int | None]
    arguments: tuple[str, ...]
    left: Callable[[Path], dict[str, bytes]]
    whom: tuple[str, ...] = ("parent",)
    stoppable: bool = False

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
    config = (str(work / "config.json"),)
    run = finished_run(work)
    sweep = (str(work / "question.toml"),)
    everybody = ("group", "parent", "worker")
    return [
        Job("run", repeat, config, visible, stoppable=True),
        Job("sweep", run_sweep, sweep, visible, everybody),
        Job("notebook", run_notebook, (str(notebook(work)),), timeless, everybody, stoppable=True),
        Job("torchrun", run_together, config, visible, everybody, stoppable=True),
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


def notebook(work: Path) -> Path:
    """Return a notebook that trains as the configuration says and writes what came out."""
    book, path = nbformat.v4.new_notebook(), work / "question.ipynb"
    book.metadata["kernelspec"] = {"name": "python3", "display_name": "3", "language": "python"}
    book.cells = [nbformat.v4.new_code_cell(source) for source in (PARAMETERS, TRAIN)]
    book.cells[0].metadata["tags"] = ["parameters"]
    nbformat.write(book, path)
    return path


def timeless(out: Path) -> dict[str, bytes]:
    """Return every file that is not hidden; of notebooks, which cells were run, without the time.

    A folder's checksums hold one of its notebook, which depends on the time, too.
    """
    found = visible(out)
    for name, content in found.items():
        if name.endswith(".ipynb"):
            counts = [cell["execution_count"] for cell in json.loads(content)["cells"]]
            found[name] = json.dumps(counts).encode()
        elif name.endswith("SHA256SUMS"):
            lines = content.splitlines(keepends=True)
            found[name] = b"".join(line for line in lines if b".ipynb" not in line)
    return found


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


def run_notebook(path: str, out: str) -> int:
    return main(["run", path, "--out", out])


def run_together(config: str, out: str) -> int:
    from torch.distributed.run import main as torchrun

    where = ["--standalone", "--nproc-per-node", "2", "-m", "mla_core.train"]
    torchrun([*where, config, "--out", out, "--parallel", "modality"])
    return 0


def ask_to_stop(name: str, out: str) -> int:
    return main(["stop", name, "--runs", out])


def prepare(path: str, out: str) -> int:
    try:
        mla.load_dataset("manifest", path=path, prepare=SMALL, cache=out)
    except OURS as error:
        print(error)
        return 2
    return 0


def export(run: str, out: str) -> int:
    return main(["export", run, "--html", f"{out}/page.html", "--force"])
