"""Methods and numbers by name; nothing of them is imported before it is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mla_core.errors import ConfigError, one_of, quoted
from mla_core.fusion import RULES, rule_weighs
from mla_core.plugins import Registry
from mla_core.settings import check_list_of_names

# A built-in method means one file and one line here; a guest needs neither.
METHODS: Registry[type[Any]] = Registry(
    "method",
    "methods",
    {
        "mla": (
            "mla_core.methods.alternating:Alternating",
            "one modality per sub-step, one shared head, head gradient modification (MLA, CVPR 2024)",
        ),
        "ensemble": (
            "mla_core.methods.ensemble:Ensemble",
            "separately trained networks, fused: MLA's compute without a shared head",
        ),
        "reconboost": (
            "mla_core.methods.reconboost:ReconBoost",
            "an ensemble that boosts what the other modalities leave over (Hua et al., ICML 2024)",
        ),
        "remix": (
            "mla_core.methods.remix:Remix",
            "an ensemble in which a sample teaches the modality least sure of it (Ma et al., ICML 2025)",
        ),
        "udi": (
            "mla_core.methods.udi:Udi",
            "an ensemble whose best network guides the others (arXiv 2509.02281)",
        ),
        "aug": (
            "mla_core.methods.aug:Aug",
            "plain alternation whose head grows where a modality is behind (AUG, NeurIPS 2025)",
        ),
        "unimodal": (
            "mla_core.methods.unimodal:Unimodal",
            'one modality alone, chosen with modalities=["audio"]',
        ),
        "concat": (
            "mla_core.methods.concat:Concat",
            "joint training on concatenated features, the baseline that shows modality laziness",
        ),
        "sum": (
            "mla_core.methods.sum:Sum",
            "joint training on summed features, through one shared head",
        ),
        "late_fusion": (
            "mla_core.methods.late_fusion:LateFusion",
            "a head and a loss per modality, the mean of logits",
        ),
        "film": (
            "mla_core.methods.film:Film",
            "the last modality's features, scaled and shifted by the others (Perez et al., AAAI 2018)",
        ),
        "bigated": (
            "mla_core.methods.bigated:BiGated",
            "the last modality's features, gated by the others (Kiela et al., AAAI 2018)",
        ),
        "uniform": (
            "mla_core.methods.uniform:Uniform",
            "concat, with the loss of every modality beside the fused one",
        ),
        "dgl": (
            "mla_core.methods.dgl:Dgl",
            "unimodal losses teach the encoders, the joint one the head (Wei et al., ICCV 2025)",
        ),
        "mmpareto": (
            "mla_core.methods.mmpareto:MMPareto",
            "uniform, an encoder's two gradients mixed without conflict (Wei & Hu, ICML 2024)",
        ),
        "regularised": (
            "mla_core.methods.regularised:Regularised",
            "concat with a term more: mimo, mbsd, cml, umt; or with cosines for logits (MMCosine)",
        ),
        "agm": (
            "mla_core.methods.agm:Agm",
            "concat, gradients steered by losses against their past (Li et al., ICCV 2023)",
        ),
        "mlb": (
            "mla_core.methods.mlb:Mlb",
            "uniform, encoders behind sped up and those ahead slowed (Kontras et al., 2024)",
        ),
        "opm": (
            "mla_core.methods.opm:Opm",
            "concat, the leading modality's features dropped now and then (Wei et al., TPAMI 2024)",
        ),
        "arl": (
            "mla_core.methods.arl:Arl",
            "uniform, encoders sped up by what is sure of them (Wei et al., ICCV 2025)",
        ),
        "inforeg": (
            "mla_core.methods.inforeg:InfoReg",
            "concat, leaders held back while encoders learn most (Huang et al., CVPR 2025)",
        ),
        "pmr": (
            "mla_core.methods.pmr:Pmr",
            "concat, who is behind pulled to its classes' prototypes (Fan et al., CVPR 2023)",
        ),
        "lfm": (
            "mla_core.methods.lfm:Lfm",
            "concat, modalities made to agree first (Yang et al., NeurIPS 2024)",
        ),
        "amco": (
            "mla_core.methods.amco:Amco",
            "uniform, the leading modality's logits masked at random (Zhou et al., ICASSP 2023)",
        ),
        "gblending": (
            "mla_core.methods.gblending:GBlending",
            "uniform, losses weighted by gain over overfitting (Wang et al., CVPR 2020)",
        ),
        "greedy": (
            "mla_core.methods.greedy:Greedy",
            "features gated across modalities, gates frozen where one lives on them (ICML 2022)",
        ),
        "ogm_ge": (
            "mla_core.methods.ogm_ge:OgmGe",
            "concat with the leading modality's gradient slowed (Peng et al., CVPR 2022)",
        ),
        "relearning": (
            "mla_core.methods.relearning:Relearning",
            "concat, encoders that overfit pulled back between epochs (Wei et al., ECCV 2024)",
        ),
        "g2d": (
            "mla_core.methods.g2d:G2d",
            "concat after its own unimodal teachers, the weakest modality first (G2D, ICCV 2025)",
        ),
        "valuation": (
            "mla_core.methods.valuation:Valuation",
            "concat with more of the parts that contribute little (Wei et al., CVPR 2024)",
        ),
        "qmf": (
            "mla_core.methods.qmf:Qmf",
            "late fusion with confidences that track each modality's loss (Zhang et al., ICML 2023)",
        ),
    },
    adapt="mla_core.methods.guest:as_method",
    check="mla_core.methods.guest:check_method",
)


NUMBERS = "mla_core.evaluation.numbers"
METRICS: Registry[Any] = Registry(
    "number",
    "metrics",
    {
        "samples": (f"{NUMBERS}:samples", "how many samples there are"),
        "unanswered": (f"{NUMBERS}:unanswered", "samples without any part"),
        "accuracy": (f"{NUMBERS}:accuracy", "of the fused prediction"),
        "unimodal_accuracy": (f"{NUMBERS}:unimodal_accuracy", "of each modality alone"),
        "ece": (f"{NUMBERS}:ece", "expected calibration error, fused (Guo et al., ICML 2017)"),
        "unimodal_ece": (f"{NUMBERS}:unimodal_ece", "the same of each modality alone"),
        "brier": (f"{NUMBERS}:brier", "Brier score, fused, 0 to 2"),
        "nll": (f"{NUMBERS}:nll", "cross-entropy, fused, nats"),
        "unimodal_brier": (f"{NUMBERS}:unimodal_brier", "Brier score of each modality alone"),
        "unimodal_nll": (f"{NUMBERS}:unimodal_nll", "cross-entropy of each modality alone, nats"),
        "oracle_accuracy": (f"{NUMBERS}:oracle", "samples that at least one modality gets right"),
        "oracle_gap": (f"{NUMBERS}:oracle_gap", "what a better fusion could still gain"),
        "mean_weight": (f"{NUMBERS}:mean_weight", "mean importance weight of each modality"),
        "weight_loss_covariance": (
            f"{NUMBERS}:weight_loss_covariances",
            "must be negative for dynamic fusion to help (QMF, ICML 2023)",
        ),
        "discrepancy_ratio": (
            "mla_core.evaluation.metrics:discrepancy_ratios",
            "which modality leads (OGM-GE, CVPR 2022)",
        ),
        "centroid_gap": (f"{NUMBERS}:centroid_gaps", "distance of modalities' mean features"),
        "separability": (f"{NUMBERS}:separability", "how well features tell their modality"),
    },
    check=f"{NUMBERS}:check_metric",
)


def method_class(name: str) -> type[Any]:
    """Return the class of the method called `name`: a `mla_core.methods.Method`."""
    return METHODS[name]


class Unseen:
    """What is said of a method whose code may not be imported: it may be anything."""

    one_at_a_time = False
    head = "joint"
    weighs = True
    reads_features = False
    uses = frozenset[str]()
    instruments: Mapping[str, Any] = {}


def traits(name: str) -> type[Any]:
    """Return the method's class, or `Unseen` where only a file has named it, for pictures of a run."""
    return METHODS[name] if METHODS.known(name) else Unseen


def weighs(method: str, fusion: str) -> bool:
    """Whether fused logits are a weighted sum of the modalities' own.

    A joint head fuses by itself, and a rule of your own may give fused logits and no weights.
    """
    rule = rule_in_force(method, fusion)
    asks = rule is not None and RULES.known(rule)
    return bool(traits(method).weighs) and (not asks or rule_weighs(fusion))


def rule_in_force(method: str, fusion: str) -> str | None:
    """Return the fusion rule that a method obeys; None where it fuses in its own way.

    What a method with a head for each modality learned can be fused by the product, too.

    Examples
    --------
    >>> rule_in_force("mla", "entropy"), rule_in_force("late_fusion", "entropy")
    ('entropy', None)
    >>> rule_in_force("late_fusion", "product"), rule_in_force("concat", "product")
    ('product', None)
    """
    kind = traits(method)
    product = fusion == "product" and kind.weighs and kind.reads_features
    return fusion if "fusion" in kind.uses or product else None


def idle_settings(name: str) -> frozenset[str]:
    """Return the settings that other methods obey, but the method called `name` does not.

    Examples
    --------
    >>> sorted(idle_settings("ensemble"))
    ['alpha', 'alpha_schedule', 'head_gradient', 'projection', 'reset']
    """
    if not METHODS.known(name):
        return frozenset()
    known = frozenset[str]().union(*(METHODS[method].uses for method in METHODS.built_in))
    own: frozenset[str] = METHODS[name].uses
    return known - own


def check_method_options(name: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options, a whole number where a real one is meant made real.

    Those of a method that may not be imported are returned as they are.

    Raises
    ------
    ConfigError
        When the method has no option of that name, or not of that kind.
    """
    if not METHODS.known(name):
        return dict(options)
    known = METHODS[name].options
    for option, value in options.items():
        if option not in known:
            allowed = f"choose among {list(known)}" if known else "it has none"
            msg = f"method {name!r} has no option {option!r}: {allowed}"
            raise ConfigError(msg)
        default = known[option]
        wanted = (int, float) if isinstance(default, float) else type(default)
        if not isinstance(value, wanted) or isinstance(value, bool) != isinstance(default, bool):
            msg = f"option {option!r} of {name!r} must be like {default!r}, not {value!r}"
            raise ConfigError(msg)
        if not isinstance(value, str | bool) and value < 0:
            msg = f"option {option!r} of {name!r} must be at least 0, not {value!r}"
            raise ConfigError(msg)
    for option, allowed in getattr(METHODS[name], "choices", {}).items():
        if option in options:
            one_of(f"option {option!r} of method {name!r}", options[option], allowed)
    return {k: float(v) if isinstance(known[k], float) else v for k, v in options.items()}


def check_instruments(name: str, instruments: tuple[str, ...]) -> None:
    """Raise `ConfigError` unless the method has all of these instruments.

    Those of a method that may not be imported are nobody's to check.
    """
    check_list_of_names("instruments", instruments)
    if not instruments or not METHODS.known(name):
        return
    known = METHODS[name].instruments
    for one in instruments:
        if one not in known:
            allowed = f"choose among {list(known)}" if known else "it has none"
            msg = f"method {name!r} has no instrument {quoted(one)}: {allowed}"
            raise ConfigError(msg)


def check_names_of_metrics(names: tuple[str, ...]) -> None:
    """Raise `ConfigError` unless these are names of numbers that are not always there."""
    check_list_of_names("metrics", names)
    if known := [name for name in names if name in METRICS.built_in]:
        msg = f"metrics must name numbers of your own: {quoted(known[0])} is always there"
        raise ConfigError(msg)
