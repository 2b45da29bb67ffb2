"""What does it cost a run to be followed? Its journal and newest look, against its training; and how late is one told?"""

import tempfile
import threading
import time
from collections.abc import Callable
from functools import wraps
from pathlib import Path

import mla_core as mla
from mla_core.records import Journal, Recording
from mla_core.runs import Follower, run_experiment

CONFIGS = {  # the smaller the steps, the more of them a second
    "default": mla.ExperimentConfig(epochs=6),
    "smallest steps": mla.ExperimentConfig(dataset="gaussian", batch_size=8, epochs=6),
}
WRITERS = ((Journal, "__init__"), (Journal, "add"), (Journal, "write"), (Recording, "save_newest"))


def main() -> None:
    spent, written = [0.0], dict[int, float]()
    for owner, name in WRITERS:
        setattr(owner, name, _timed(getattr(owner, name), spent))
    advance = mla.TrainingSession.advance

    def noted(session: mla.TrainingSession, **limits: float) -> list[mla.StepRecord]:
        records = advance(session, **limits)
        written[session.step] = time.perf_counter()
        return records

    mla.TrainingSession.advance = noted
    for what, config in CONFIGS.items():
        spent[0] = 0.0
        written.clear()
        with tempfile.TemporaryDirectory() as out:
            begun = time.perf_counter()
            run = threading.Thread(target=run_experiment, args=(config, out))
            run.start()
            late = _followed(Path(out) / config.hash, run, written)
            total = time.perf_counter() - begun
        share = f"{spent[0] / total:.2%} of {total:.0f} s, {max(written) / total:.0f} sub-steps a second"
        told = f"{max(late):.1f} s late at most (goal: 5)" if late else "too short to be followed"
        print(f"  {what}: {share} (goal: 1%); {told}")


def _timed(method: Callable[..., object], spent: list[float]) -> Callable[..., object]:
    @wraps(method)
    def timed(*arguments: object) -> object:
        start = time.perf_counter()
        result = method(*arguments)
        spent[0] += time.perf_counter() - start
        return result

    return timed


def _followed(folder: Path, run: threading.Thread, taken: dict[int, float]) -> list[float]:
    """Return after how many seconds each sub-step was read by somebody who looks once a second."""
    late, follower, seen = list[float](), None, 0
    while run.is_alive():
        time.sleep(1)
        try:
            follower = follower or Follower(folder)
        except mla.ConfigError:  # not begun yet
            continue
        step, now = follower.read().step, time.perf_counter()
        late += [now - when for at, when in list(taken.items()) if seen < at <= step]
        seen = step
    return late


if __name__ == "__main__":
    main()
