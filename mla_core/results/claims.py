"""What papers claim that can be asked here, and what the committed results answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mla_core.errors import one_of
from mla_core.results.claim import Answer, Claim, Results
from mla_core.results.comparisons import compare_variants
from mla_core.results.missing_curves import with_rates
from mla_core.results.names import by_rule
from mla_core.results.verdict import Verdict, compare, together
from mla_core.words import counted

if TYPE_CHECKING:
    import pandas as pd

JOINT = ("concat", "sum", "film", "bigated", "ogm_ge")
REMEDIES = (
    *("uniform", "dgl", "mmpareto", "agm", "mlb", "opm", "arl", "inforeg", "pmr", "lfm", "amco"),
    *("gblending", "greedy", "ogm_ge", "relearning", "g2d", "valuation", "regularised (term mimo)"),
    *("regularised (term mbsd)", "regularised (strength 0.1, term cml)"),
    *("regularised (strength 50, term umt)", "regularised (logits cosine, strength 0)"),
)
MLA, OFF = "mla (paper)", "mla (off)"
TUNED = (  # their options are chosen, and name nobody
    *(name for name in REMEDIES if not name.startswith("regularised")),
    *(f"regularised (term {term})" for term in ("mimo", "mbsd", "cml", "umt")),
    *(MLA, "reconboost", "remix", "udi", "qmf", "aug"),
)
AS_PUBLISHED = ("paper)", "residual)")  # how the labels of equations end, beside public code's
COMPLETE = f"{MLA}, complete"
OTHERS = "test.unimodal_accuracy.the other two"
READ = "fused by product, averaged, calibrated, epoch by NLL"
PLAIN = "fused by entropy, epoch by accuracy"

_SHOWN = 3  # sentences for a claim on the page, and as many against it; the command prints all


def answers(folder: str | Path = "results", only: str = "") -> list[Answer]:
    """Ask every claim of the results in a folder, or the one that is named.

    Parameters
    ----------
    folder : str or Path
        As for `Results`.
    only : str
        The name of a claim in `CLAIMS`.

    Raises
    ------
    ConfigError
        For an unknown claim, and where a file is missing, saying which command makes it.
    """
    if only:
        one_of("claim", only, [claim.name for claim in CLAIMS])

    results = Results(folder)
    wanted = [claim for claim in CLAIMS if only in ("", claim.name)]
    return [Answer(claim, together(claim.comparisons(results))) for claim in wanted]


def to_markdown(found: Sequence[Answer]) -> str:
    """Return answers as Markdown: a section for each claim, with the command for its numbers."""
    parts = []
    for answer in found:
        claim, sides = answer.claim, (answer.support, answer.against)
        said = "".join(f"- {verdict}\n" for side in sides for verdict in side[:_SHOWN])
        if more := sum(len(side[_SHOWN:]) for side in sides):
            said += f"- and {counted(more, 'other')} that the command prints\n"
        parts.append(
            f"## {claim.says}\n\n*{claim.source}.* {claim.asked}\n\n"
            f"**{answer.word[0].upper()}{answer.word[1:]}.** "
            f"(`.venv/bin/mla-lab claims results --only {claim.name}`)\n\n{said}"
        )
    return "\n".join(part.rstrip("\n") + "\n" for part in parts)


# ------------------------------------------------------------------------------- what is compared


def _ahead(
    stem: str, a: str | Sequence[str], others: Sequence[str], among: str = ""
) -> Callable[[Results], Iterator[Verdict]]:
    """Compare the test accuracy of labels with others', under every condition of a file.

    Where `among` says which runs are asked, only under theirs.
    """
    several = (a,) if isinstance(a, str) else a

    def comparisons(results: Results) -> Iterator[Verdict]:
        runs = results.chosen(stem)
        asked = runs.query(among) if among else runs
        for where in dict.fromkeys(asked["condition"]):
            yield from (compare(runs, a, b, where=where) for a in several for b in others)

    return comparisons


def _departures(results: Results) -> Iterator[Verdict]:
    """Compare methods as their public code has them with the same as their papers have them."""
    runs = results.chosen("variants")
    papers = [label for label in dict.fromkeys(runs["label"]) if label.endswith(AS_PUBLISHED)]
    yield from compare_variants(runs, papers)


def _each(stem: str, a: str, b: str, kind: str) -> Callable[[Results], Iterator[Verdict]]:
    """Compare two labels in every number of a kind that both have, under every condition."""

    def comparisons(results: Results) -> Iterator[Verdict]:
        runs = results.chosen(stem)
        runs = runs[runs["label"].isin([a, b])]
        for where, here in runs.groupby("condition", sort=False):
            for column in _whole_columns(here, kind):
                yield compare(here, a, b, column, str(where))

    return comparisons


def _whole_columns(runs: pd.DataFrame, kind: str) -> list[str]:
    """Return the columns of a kind that say something of every run."""
    return [c for c in map(str, runs) if c.startswith(kind) and runs[c].notna().all()]


def _weighed(results: Results) -> Iterator[Verdict]:
    """Compare two fusion rules on the same networks."""
    runs = results.chosen("table1")
    fused = by_rule(runs[runs["label"] == MLA], ("entropy", "uniform"))
    for where in dict.fromkeys(fused["condition"]):
        yield compare(fused, f"{MLA}, entropy", f"{MLA}, uniform", where=where)


def _with_many_modalities(results: Results) -> Iterator[Verdict]:
    runs = results.chosen("sharing")
    for where in dict.fromkeys(runs["condition"]):
        if any(f"{n} modalities" in where for n in (4, 6)):
            yield compare(runs, MLA, OFF, where=where)


def _others_unharmed(results: Results) -> Iterator[Verdict]:
    """Compare the complete modalities where another one lacks training data, and where it does not."""
    runs = with_rates(results.every("figure2"))
    runs = runs[runs["label"] == MLA]
    names = _whole_columns(runs, "test.unimodal_accuracy.")
    for masked, here in runs.groupby("masked", sort=False):
        rest = [c for c in names if not c.endswith(f".{masked}")]
        told = here[["seed"]].assign(
            label=[f"{MLA}, {100 * r:g} % missing" if r else COMPLETE for r in here["rate"]],
            condition=f"spoken_digits, {masked} missing in train",
        )
        told[OTHERS] = here[rest].mean(axis=1)
        for label in dict.fromkeys(told["label"]):
            if label != COMPLETE:
                yield compare(told, label, COMPLETE, OTHERS)


_UNASKED = "The networks are small and the data are small: what large ones do is not asked."

CLAIMS = (
    Claim(
        "joint",
        "Alternation is ahead of joint training",
        "MLA, table 1",
        f"Test accuracy of all modalities together, at equal compute, against {len(JOINT)} joint "
        f"methods, learning rates chosen on val. {_UNASKED}",
        _ahead("table1", MLA, JOINT),
    ),
    Claim(
        "late",
        "Alternation is ahead of late fusion and of QMF",
        "MLA, table 1",
        "The same, against methods in which every modality has a loss of its own, too.",
        _ahead("table1", MLA, ("late_fusion", "qmf")),
    ),
    Claim(
        "ensemble",
        "A shared head is ahead of separately trained networks",
        "Implied by MLA; the control that its tables lack",
        "The same, against an ensemble at equal compute.",
        _ahead("table1", MLA, ("ensemble",)),
    ),
    Claim(
        "weak",
        "No modality is lazy: each alone is right more often than under joint training",
        "MLA, table 1",
        "Accuracy of each modality alone; of `concat` through its slice of the joint head, as the "
        "paper measures.",
        _each("table1", MLA, "concat", "test.unimodal_accuracy."),
    ),
    Claim(
        "features",
        "The encoders of no modality are lazy",
        "Our question to the claim above",
        "Accuracy of a linear probe on each modality's features: how much of the laziness is in the "
        "encoder, and how much in the head.",
        _each("table1", MLA, "concat", "test.probe_accuracy."),
    ),
    Claim(
        "hgm",
        "The head gradient modification makes alternation more accurate",
        "MLA, table 3",
        "Against plain alternation, which the paper's ablation does not contain.",
        _ahead("table1", MLA, (OFF,)),
    ),
    Claim(
        "forgetting",
        "The head gradient modification prevents forgetting",
        "MLA, section 3.2",
        "By how much a sub-step raises the loss of the other modalities, mean over the run; negative "
        "values mean that it helps them.",
        _each("table1", MLA, OFF, "forgetting."),
    ),
    Claim(
        "many",
        "The head gradient modification helps where many modalities share a head",
        "Our question to the claims above",
        "Four and six Gaussian modalities, drawn anew for each of ten seeds.",
        _with_many_modalities,
    ),
    Claim(
        "entropy",
        "Fusion weighted by entropy is more accurate than the plain mean",
        "MLA, table 3",
        "The same networks, their logits fused in both ways.",
        _weighed,
    ),
    Claim(
        "missing",
        "Alternation is ahead where parts are missing",
        "MLA, table 2",
        "From 10 to 70 % of all parts missing in train, val and test alike. Every method has the one "
        "learning rate of 0.03; absent parts are left out or zeros.",
        _ahead(
            "table2",
            MLA,
            [
                f"{method} (absent {absent})"
                for method in ("late_fusion", "qmf", "concat")
                for absent in ("zeros", "left_out")
            ],
            among="missing != '{}'",
        ),
    ),
    Claim(
        "unharmed",
        "What one modality lacks does not harm the others",
        "MLA, figure 2",
        "Accuracy of the other two modalities when 50, 90 or 97 % of one modality's training data are "
        "gone, against complete data. Every run has the one learning rate of 0.03.",
        _others_unharmed,
        denies=True,
    ),
    Claim(
        "frozen",
        "On frozen features, too, alternation is ahead of joint training",
        "MLA, table 4",
        "Six precomputed views, only the head learns.",
        _ahead("table4", MLA, ("concat", "sum")),
    ),
    Claim(
        "gap",
        "Alternation widens the modality gap",
        "MLA, figure 3",
        "Distance between the modalities' centroids of normalised features, for each pair.",
        _each("table1", MLA, "concat", "test.centroid_gap."),
    ),
    Claim(
        "ogm_ge",
        "Modulated gradients are ahead of plain joint training",
        "OGM-GE, CVPR 2022",
        "Test accuracy against `concat`.",
        _ahead("table1", "ogm_ge", ("concat",)),
    ),
    Claim(
        "balanced",
        "A remedy for lazy modalities is ahead of plain joint training",
        "OGM-GE, CVPR 2022, and those that came after it",
        f"{len(REMEDIES)} methods and terms against `concat`, on Gaussian data with two and with four "
        "modalities, drawn anew with each of ten seeds; learning rates chosen on val. Equal compute, "
        "but for `valuation`, which has a quarter more with four.",
        _ahead("methods", REMEDIES, ("concat",)),
    ),
    Claim(
        "remedied",
        "Joint training with a remedy is ahead of separately trained networks",
        "Our question to the claim above",
        "The same against `ensemble`.",
        _ahead("methods", REMEDIES, ("ensemble",)),
    ),
    Claim(
        "balanced_real",
        "On real data, too, a remedy is ahead of plain joint training",
        "The claims of the same papers, on other data",
        "The same methods and terms on the spoken digits with more noise than by default and on six "
        "views of handwritten digits with six training samples of each class, spoilt or split anew "
        "with each of ten seeds; learning rates chosen on val.",
        _ahead("real", REMEDIES, ("concat",)),
    ),
    Claim(
        "remedied_real",
        "On real data, joint training with a remedy is ahead of separately trained networks",
        "Our question to the claim above",
        "The same against `ensemble`.",
        _ahead("real", REMEDIES, ("ensemble",)),
    ),
    Claim(
        "tuned",
        "At its best strength, a method is ahead of separately trained networks on real data",
        "The claims of the same papers, and that their methods were not tuned enough here",
        "The spoken digits of `balanced_real`, new seeds. Of each method, stage one chose the learning "
        "rate and one option of its own (its strength, or what comes nearest), among three values each, "
        "with three other seeds; of the ensemble the learning rate alone.",
        _ahead("tuned", TUNED, ("ensemble",)),
    ),
    Claim(
        "guided",
        "Networks that guide each other are ahead of an ensemble that does not",
        "ReconBoost, ICML 2024; Remix, ICML 2025; UDI, 2025",
        "The same data.",
        _ahead("methods", ("reconboost", "remix", "udi"), ("ensemble",)),
    ),
    Claim(
        "confirmed",
        "Who is ahead of separately trained networks on Gaussian data is so on spoken digits, too",
        "Our question to what came out on the Gaussian data",
        "`dgl`, `late_fusion` and `qmf`, which were ahead with four modalities, and `uniform`, which "
        "nearly was; with more noise than by default, paired and spoilt anew with each of ten seeds; "
        "learning rates chosen on val. `arl` was ahead, too, but at every rate tried at least one of three seeds diverges here.",
        _ahead("confirmed", ("dgl", "late_fusion", "qmf", "uniform"), ("ensemble",)),
    ),
    Claim(
        "guided_real",
        "Networks that guide each other are ahead of an ensemble that does not, on real data",
        "ReconBoost, ICML 2024; Remix, ICML 2025; UDI, 2025",
        "The data of `balanced_real`.",
        _ahead("real", ("reconboost", "remix", "udi"), ("ensemble",)),
    ),
    Claim(
        "published",
        "Public code reaches what its paper's equations reach",
        "AGM, ARL, AUG, MMPareto, PMR, QMF, ReconBoost and BalanceBenchmark",
        "Where public code says something else than the paper, both, on Gaussian data with two and "
        "with four modalities, drawn anew with each of ten seeds; learning rates chosen on val. "
        "ReconBoost's equations are ours, without its joint phases.",
        _departures,
        denies=True,
    ),
    Claim(
        "qmf",
        "Fusion by learned quality is ahead of late fusion",
        "QMF, ICML 2023",
        "Test accuracy against `late_fusion`.",
        _ahead("table1", "qmf", ("late_fusion",)),
    ),
    Claim(
        "averaged",
        "Averaged, calibrated predictions are ahead of plain ones",
        "This project",
        "The same alternating training, read by averaged weights, fitted temperatures, the product of "
        "experts and the epoch of the best NLL, or as in the paper. Ten seeds that chose nothing.",
        _ahead("averaged", f"mla (off, {READ})", (f"mla (off, {PLAIN})",)),
    ),
    Claim(
        "averaged_ensemble",
        "Alternation, so read, is ahead of the plain ensemble",
        "This project",
        "The same ten seeds.",
        _ahead("averaged", f"mla (off, {READ})", (f"ensemble ({PLAIN})",)),
    ),
    Claim(
        "alternation",
        "Alternation is the reason",
        "Our question to the claims above",
        "Against the ensemble, read in the same way.",
        _ahead("averaged", f"mla (off, {READ})", (f"ensemble ({READ})",)),
    ),
)
