"""Write the answer key from what the code computes: `python docs/teach/answers.py`."""
# ruff: noqa: INP001 - a script, not a package

from __future__ import annotations

import math
from pathlib import Path

import pandas as pd
import torch

import mla_core as mla
from mla_core.results import chosen_runs, compare, compare_all, load_results, tally

ROOT = Path(__file__).parents[2]
HEAD = """\
# Answer key

The numbers are computed by `python docs/teach/answers.py`, which wrote this page. The questions stand in [exercises](exercises.md).
"""


def entropy(*probabilities: float) -> float:
    """Return the entropy in nats of one prediction."""
    return float(mla.fusion.predictive_entropy(torch.tensor(probabilities).double().log()))


def uncertainty() -> str:
    """Exercise 1."""
    fair, sure = entropy(0.5, 0.5), entropy(0.9, 0.1)
    return (
        f"A fair coin has {fair:.3f} nats (log 2), the pair (0.9, 0.1) has {sure:.3f}. With ten classes "
        f"nothing is less sure than log 10 = {math.log(10):.3f} nats. So entropies of data sets with "
        "different numbers of classes do not compare."
    )


def weights() -> str:
    """Exercise 2."""
    logits = torch.tensor([[[0.9, 0.1]], [[0.5, 0.5]]]).double().log()  # (M, 1, C)
    first, second = mla.fusion.importance_weights(logits)[:, 0].tolist()
    return (
        f"The weights are {first:.3f} and {second:.3f}: exp(−{entropy(0.9, 0.1):.3f}) and "
        f"exp(−{entropy(0.5, 0.5):.3f}), divided by their sum. Even a modality that knows nothing keeps "
        "a good part of the weight when there are two classes, since its entropy is at most log 2."
    )


def projection() -> str:
    """Exercise 3."""
    told = []
    for alpha in (0.1, 1.0):
        modification = mla.HeadGradientModification(dim=2, alpha=alpha, variant="paper")
        left = []
        for _ in range(2):
            modification.update(torch.tensor([[1.0, 0.0]]))
            left.append(float(modification.project(torch.tensor([[1.0, 0.0]]))[0, 0]))
        across = float(modification.project(torch.tensor([[0.0, 1.0]]))[0, 1])
        told.append(
            f"With α = {alpha:g} the gradient along h keeps {left[0]:.1%} after one update and "
            f"{left[1]:.1%} after two; across h it keeps {across:.0%}. The plasticity, trace(P)/s, is "
            f"then {float(modification.plasticity):.3f}."
        )
    return " ".join(
        [*told, "In general α/(α + n) is left after n updates with the same h of length 1."]
    )


def temperature() -> str:
    """Exercise 4."""
    logits = torch.tensor([2.0, 0.0], dtype=torch.float64)
    sure = [float((logits / T).softmax(-1)[0]) for T in (1, 2, 0.5)]
    return (
        f"At T = 1 the confidence is {sure[0]:.3f}, at T = 2 {sure[1]:.3f}, at T = 0.5 {sure[2]:.3f}. "
        "The class stays the same, since dividing keeps the order: a temperature changes calibration, "
        "never the accuracy of one modality. It does change the fused answer, through the weights."
    )


def gap() -> str:
    """Exercise 5."""
    right = mla.modality_gap.centroid_gap(torch.tensor([[3.0, 0.0]]), torch.tensor([[0.0, 1.0]]))
    both = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    none = mla.modality_gap.centroid_gap(both, both.flip(0))
    return (
        f"It is {right:.3f} (√2): lengths do not count, since every feature is scaled to length 1 first. "
        f"In the second case it is {none:.0f}, though not one pair lies together: the gap is a distance "
        "of centres and says nothing about pairs."
    )


def one_seed() -> str:
    """Exercise 6."""
    runs = chosen_runs(load_results(ROOT / "results", "table1").query("dataset == 'spoken_digits'"))
    scores = {label: one.set_index("seed")["test.accuracy"] for label, one in runs.groupby("label")}
    seed_by_seed = 100 * (scores["mla (paper)"] - scores["mla (off)"])
    differences = ", ".join(f"{d:+.1f}" for d in seed_by_seed.sort_index())
    ahead, behind = (seed_by_seed > 0).sum(), (seed_by_seed < 0).sum()
    return (
        f"Seed by seed the differences are {differences} points: the modification is ahead on {ahead} of "
        f"{len(seed_by_seed)} seeds and behind on {behind}. Whoever had run one seed could have claimed "
        f"what that seed says. All together: {compare(runs, 'mla (paper)', 'mla (off)')}"
    )


def many_comparisons() -> str:
    """Exercise 7."""
    runs = chosen_runs(load_results(ROOT / "results", "table1"))
    labels = [
        name for name in runs["label"].unique() if not name.startswith(("unimodal", "ensemble"))
    ]
    verdicts = compare_all(runs, labels, "ensemble")
    alone = sum(one.p_value < 0.05 for one in verdicts)
    holds = sum(one.adjusted < 0.05 for one in verdicts)
    return (
        f"There are {len(verdicts)} comparisons; {alone} have p < 0.05 by themselves, {holds} after Holm's "
        f"correction. If no method differed at all, {0.05 * len(verdicts):.1f} would have p < 0.05 on "
        f"average. In words: {tally(verdicts)}"
    )


def tuned_on_test() -> str:
    """Exercise 8."""
    runs = load_results(ROOT / "results", "table4")
    gains, alone = {}, []
    for label, of_one in runs.groupby("label"):
        means = of_one.groupby("learning_rate")[["val.accuracy", "test.accuracy"]].mean()
        gains[label] = gained_on_test(means)
        alone += [
            gained_on_test(one.set_index("learning_rate")) for _, one in of_one.groupby("seed")
        ]
    label = max(gains, key=lambda name: gains[name])
    changed = sum(gain > 0 for gain in gains.values())
    return (
        f"Choosing among {runs['learning_rate'].nunique()} learning rates on test raises the result of "
        f"{changed} of {len(gains)} methods, at most by {gains[label]:.2f} points ({label}), where each "
        f"is the mean of {runs['seed'].nunique()} seeds. With a single seed it gains "
        f"{sum(alone) / len(alone):.1f} points on average, and {max(alone):.1f} where it gains most, which "
        "is of the size of differences that are published. It grows with the number of choices, too. A "
        "reader would notice nothing."
    )


def gained_on_test(tried: pd.DataFrame) -> float:
    """Return by how many points choosing among rows on test beats choosing on val."""
    honest = tried["test.accuracy"][tried["val.accuracy"].idxmax()]
    return 100 * float(tried["test.accuracy"].max() - honest)


ANSWERS = {
    "1. How unsure is a coin?": uncertainty,
    "2. Two modalities, one answer": weights,
    "3. What the projection leaves": projection,
    "4. A temperature": temperature,
    "5. The gap": gap,
    "6. One seed": one_seed,
    "7. Many comparisons": many_comparisons,
    "8. Tuned on test": tuned_on_test,
}
OPEN = """
## 9. and 10. The open ones

There is no one answer. Give full marks to a claim that names the comparison, the number of seeds and the interval, that was decided before looking at test, and that says what would refute it. [Pitfalls](pitfalls.md) lists what to look for.
"""


def as_page() -> str:
    """Return the answer key as Markdown."""
    answers = (f"\n## {title}\n\n{answer()}\n" for title, answer in ANSWERS.items())
    return "".join((HEAD, *answers, OPEN))


if __name__ == "__main__":
    Path(__file__).with_suffix(".md").write_text(as_page(), encoding="utf-8")
