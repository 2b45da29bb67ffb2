"""Does alternation help on the spoken digits? Test accuracy of MLA and concat, five seeds."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor

import numpy as np
from scipy import stats

import mla_core as mla

SEEDS = range(5)
EPOCHS = 20  # the same for all: every sample passes every encoder 20 times, forward and backward
RATES = (0.01, 0.03, 0.1)  # the best mean on val is taken, per method
SETTINGS = {
    "concat": {"method": "concat"},
    "MLA, head gradient paper": {"head_gradient": "paper"},
    "MLA, head gradient off": {"head_gradient": "off"},
}


def main() -> None:
    jobs = [(label, rate, seed) for label in SETTINGS for rate in RATES for seed in SEEDS]
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(2, mp_context=context) as pool:
        val = dict(zip(jobs, pool.map(_on_val, jobs), strict=True))
        chosen = {
            label: max(RATES, key=lambda r: np.mean([val[label, r, s] for s in SEEDS]))
            for label in SETTINGS
        }
        last = [(label, chosen[label], seed) for label in SETTINGS for seed in SEEDS]
        test = dict(zip(last, pool.map(_on_test, last), strict=True))
    print(f"  mean and 95 % interval over {len(SEEDS)} seeds, {EPOCHS} epochs, on test")
    print("  | method | learning rate | fused | image | audio | text |")
    print("  |---|---|---|---|---|---|")
    for label in SETTINGS:
        rows = np.array([test[label, chosen[label], seed] for seed in SEEDS])
        half = stats.t.ppf(0.975, len(rows) - 1) * rows.std(0, ddof=1) / len(rows) ** 0.5
        cells = [f"{m:.3f} ± {h:.3f}" for m, h in zip(rows.mean(0), half, strict=True)]
        print(f"  | {label} | {chosen[label]} | {' | '.join(cells)} |")


def _session(job: tuple[str, float, int]) -> mla.TrainingSession:
    label, rate, seed = job
    settings = SETTINGS[label]
    return mla.train(mla.ExperimentConfig(learning_rate=rate, seed=seed, epochs=EPOCHS, **settings))


def _on_val(job: tuple[str, float, int]) -> float:
    return _session(job).evaluate("val").accuracy


def _on_test(job: tuple[str, float, int]) -> list[float]:
    evaluation = _session(job).evaluate("test")
    return [evaluation.accuracy, *evaluation.unimodal_accuracy.values()]
