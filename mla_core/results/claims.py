"""What papers claim that can be asked here, and what the committed results answer."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mla_core.errors import one_of
from mla_core.results.asked import (
    MLA,
    OFF,
    ahead,
    departures,
    each,
    fed,
    others_unharmed,
    starved,
    weighed,
    with_many_modalities,
)
from mla_core.results.claim import Answer, Claim, Results
from mla_core.results.verdict import together
from mla_core.words import counted

JOINT = ("concat", "sum", "film", "bigated", "ogm_ge")
REMEDIES = (
    *("uniform", "dgl", "mmpareto", "agm", "mlb", "opm", "arl", "inforeg", "pmr", "lfm", "amco"),
    *("gblending", "greedy", "ogm_ge", "relearning", "g2d", "valuation", "regularised (term mimo)"),
    *("regularised (term mbsd)", "regularised (strength 0.1, term cml)"),
    *("regularised (strength 50, term umt)", "regularised (logits cosine, strength 0)"),
)
TUNED = (  # their options are chosen, and name nobody
    *(name for name in REMEDIES if not name.startswith("regularised")),
    *(f"regularised (term {term})" for term in ("mimo", "mbsd", "cml", "umt")),
    *(MLA, "reconboost", "remix", "udi", "qmf", "aug"),
)
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


_UNASKED = "The networks are small and the data are small: what large ones do is not asked."

CLAIMS = (
    Claim(
        "joint",
        "Alternation is ahead of joint training",
        "MLA, table 1",
        f"Test accuracy of all modalities together, at equal compute, against {len(JOINT)} joint "
        f"methods, learning rates chosen on val. {_UNASKED}",
        ahead("table1", MLA, JOINT),
    ),
    Claim(
        "late",
        "Alternation is ahead of late fusion and of QMF",
        "MLA, table 1",
        "The same, against methods in which every modality has a loss of its own, too.",
        ahead("table1", MLA, ("late_fusion", "qmf")),
    ),
    Claim(
        "ensemble",
        "A shared head is ahead of separately trained networks",
        "Implied by MLA; the control that its tables lack",
        "The same, against an ensemble at equal compute.",
        ahead("table1", MLA, ("ensemble",)),
    ),
    Claim(
        "weak",
        "No modality is lazy: each alone is right more often than under joint training",
        "MLA, table 1",
        "Accuracy of each modality alone; of `concat` through its slice of the joint head, as the "
        "paper measures.",
        each("table1", MLA, "concat", "test.unimodal_accuracy."),
    ),
    Claim(
        "features",
        "The encoders of no modality are lazy",
        "Our question to the claim above",
        "Accuracy of a linear probe on each modality's features: how much of the laziness is in the "
        "encoder, and how much in the head.",
        each("table1", MLA, "concat", "test.probe_accuracy."),
    ),
    Claim(
        "hgm",
        "The head gradient modification makes alternation more accurate",
        "MLA, table 3",
        "Against plain alternation, which the paper's ablation does not contain.",
        ahead("table1", MLA, (OFF,)),
    ),
    Claim(
        "forgetting",
        "The head gradient modification prevents forgetting",
        "MLA, section 3.2",
        "By how much a sub-step raises the loss of the other modalities, mean over the run; negative "
        "values mean that it helps them.",
        each("table1", MLA, OFF, "forgetting."),
    ),
    Claim(
        "many",
        "The head gradient modification helps where many modalities share a head",
        "Our question to the claims above",
        "Four and six Gaussian modalities, drawn anew for each of ten seeds.",
        with_many_modalities,
    ),
    Claim(
        "entropy",
        "Fusion weighted by entropy is more accurate than the plain mean",
        "MLA, table 3",
        "The same networks, their logits fused in both ways.",
        weighed,
    ),
    Claim(
        "missing",
        "Alternation is ahead where parts are missing",
        "MLA, table 2",
        "From 10 to 70 % of all parts missing in train, val and test alike. Every method has the one "
        "learning rate of 0.03; absent parts are left out or zeros.",
        ahead(
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
        others_unharmed,
        denies=True,
    ),
    Claim(
        "starved",
        "A shared head helps a modality that has few samples",
        "Our question to the claim above",
        "Accuracy of the modality of whose training data 90 or 97 % are gone, against an ensemble's; "
        "learning rates chosen on val. It takes its turn with the few samples that a batch has of it.",
        starved("paired"),
    ),
    Claim(
        "starved_full",
        "It does so where that modality's batches are full, too",
        "Our question to the claim above",
        "The same, but that the modality walks its own samples in full batches, again and again.",
        starved("independent"),
    ),
    Claim(
        "fed",
        "Full batches of its own help a modality that has few samples",
        "Our question to the claims above",
        "The ensemble's accuracy of that modality, with either. Full batches cost more compute, a "
        "quarter to a half more encoder passes.",
        fed(fused=False),
    ),
    Claim(
        "fed_fused",
        "So fed, all modalities together are right more often, too",
        "Our question to the claims above",
        "The same, of the ensemble's fused answers.",
        fed(fused=True),
    ),
    Claim(
        "frozen",
        "On frozen features, too, alternation is ahead of joint training",
        "MLA, table 4",
        "Six precomputed views, only the head learns.",
        ahead("table4", MLA, ("concat", "sum")),
    ),
    Claim(
        "gap",
        "Alternation widens the modality gap",
        "MLA, figure 3",
        "Distance between the modalities' centroids of normalised features, for each pair.",
        each("table1", MLA, "concat", "test.centroid_gap."),
    ),
    Claim(
        "ogm_ge",
        "Modulated gradients are ahead of plain joint training",
        "OGM-GE, CVPR 2022",
        "Test accuracy against `concat`.",
        ahead("table1", "ogm_ge", ("concat",)),
    ),
    Claim(
        "balanced",
        "A remedy for lazy modalities is ahead of plain joint training",
        "OGM-GE, CVPR 2022, and those that came after it",
        f"{len(REMEDIES)} methods and terms against `concat`, on Gaussian data with two and with four "
        "modalities, drawn anew with each of ten seeds; learning rates chosen on val. Equal compute, "
        "but for `valuation`, which has a quarter more with four.",
        ahead("methods", REMEDIES, ("concat",)),
    ),
    Claim(
        "remedied",
        "Joint training with a remedy is ahead of separately trained networks",
        "Our question to the claim above",
        "The same against `ensemble`.",
        ahead("methods", REMEDIES, ("ensemble",)),
    ),
    Claim(
        "balanced_real",
        "On real data, too, a remedy is ahead of plain joint training",
        "The claims of the same papers, on other data",
        "The same methods and terms on the spoken digits with more noise than by default and on six "
        "views of handwritten digits with six training samples of each class, spoilt or split anew "
        "with each of ten seeds; learning rates chosen on val.",
        ahead("real", REMEDIES, ("concat",)),
    ),
    Claim(
        "remedied_real",
        "On real data, joint training with a remedy is ahead of separately trained networks",
        "Our question to the claim above",
        "The same against `ensemble`.",
        ahead("real", REMEDIES, ("ensemble",)),
    ),
    Claim(
        "tuned",
        "At its best strength, a method is ahead of separately trained networks on real data",
        "The claims of the same papers, and that their methods were not tuned enough here",
        "The spoken digits of `balanced_real`, new seeds. Of each method, stage one chose the learning "
        "rate and one option of its own (its strength, or what comes nearest), among three values each, "
        "with three other seeds; of the ensemble the learning rate alone.",
        ahead("tuned", TUNED, ("ensemble",)),
    ),
    Claim(
        "guided",
        "Networks that guide each other are ahead of an ensemble that does not",
        "ReconBoost, ICML 2024; Remix, ICML 2025; UDI, 2025",
        "The same data.",
        ahead("methods", ("reconboost", "remix", "udi"), ("ensemble",)),
    ),
    Claim(
        "confirmed",
        "Who is ahead of separately trained networks on Gaussian data is so on spoken digits, too",
        "Our question to what came out on the Gaussian data",
        "`dgl`, `late_fusion` and `qmf`, which were ahead with four modalities, and `uniform`, which "
        "nearly was; with more noise than by default, paired and spoilt anew with each of ten seeds; "
        "learning rates chosen on val. `arl` was ahead, too, but at every rate tried at least one of three seeds diverges here.",
        ahead("confirmed", ("dgl", "late_fusion", "qmf", "uniform"), ("ensemble",)),
    ),
    Claim(
        "guided_real",
        "Networks that guide each other are ahead of an ensemble that does not, on real data",
        "ReconBoost, ICML 2024; Remix, ICML 2025; UDI, 2025",
        "The data of `balanced_real`.",
        ahead("real", ("reconboost", "remix", "udi"), ("ensemble",)),
    ),
    Claim(
        "published",
        "Public code reaches what its paper's equations reach",
        "AGM, ARL, AUG, MMPareto, PMR, QMF, ReconBoost and BalanceBenchmark",
        "Where public code says something else than the paper, both, on Gaussian data with two and "
        "with four modalities, drawn anew with each of ten seeds; learning rates chosen on val. "
        "ReconBoost's equations are ours, without its joint phases.",
        departures,
        denies=True,
    ),
    Claim(
        "qmf",
        "Fusion by learned quality is ahead of late fusion",
        "QMF, ICML 2023",
        "Test accuracy against `late_fusion`.",
        ahead("table1", "qmf", ("late_fusion",)),
    ),
    Claim(
        "averaged",
        "Averaged, calibrated predictions are ahead of plain ones",
        "This project",
        "The same alternating training, read by averaged weights, fitted temperatures, the product of "
        "experts and the epoch of the best NLL, or as in the paper. Learning rates chosen on val for "
        "each, by three other seeds.",
        ahead("averaged", f"mla (off, {READ})", (f"mla (off, {PLAIN})",)),
    ),
    Claim(
        "averaged_control",
        "An ensemble, so read, is ahead of a plain one",
        "Our question to the claim above",
        "The same ten seeds.",
        ahead("averaged", f"ensemble ({READ})", (f"ensemble ({PLAIN})",)),
    ),
    Claim(
        "averaged_late_fusion",
        "Late fusion, so read, is ahead of plain late fusion",
        "Our question to the claims above",
        "The same ten seeds.",
        ahead(
            "averaged",
            "late_fusion (averaged, calibrated, epoch by NLL)",
            ("late_fusion (epoch by accuracy)",),
        ),
    ),
    Claim(
        "averaged_ensemble",
        "Alternation, so read, is ahead of the plain ensemble",
        "This project",
        "The same ten seeds.",
        ahead("averaged", f"mla (off, {READ})", (f"ensemble ({PLAIN})",)),
    ),
    Claim(
        "alternation",
        "Alternation is the reason",
        "Our question to the claims above",
        "Against the ensemble, read in the same way.",
        ahead("averaged", f"mla (off, {READ})", (f"ensemble ({READ})",)),
    ),
)
