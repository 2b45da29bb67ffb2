"""What fusion does, sample by sample and under corruption; every rule on the same logits."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from mla_core.catalogue import rule_in_force
from mla_core.data.corruption import Corruptor, Damage
from mla_core.data.samples import Split
from mla_core.errors import ConfigError, one_of
from mla_core.fusion import RULES, fit_temperature, fused_by_rule, predictive_entropy, rule_weighs
from mla_core.language import later
from mla_core.methods import Method
from mla_core.records import Evaluation
from mla_core.session import TrainingSession
from mla_core.threads import compute_threads

OWN = "own"
"""The method's own fusion, where no rule describes it."""

TEMPERATURES = (0.01, 100.0)  # as `fit_temperature` has it


def rules_for(method: Method) -> tuple[str, ...]:
    """Return the fusion rules that can be compared for a method, its own first.

    A method whose head fuses has nothing but its own way; one with weights of its own, such as
    QMF, can also be fused by any rule.
    """
    own = rule_in_force(method.config.method, method.config.fusion)
    if own is not None:
        return (own, *(rule for rule in RULES if rule != own))
    return (OWN, *RULES) if method.weighs else (OWN,)


def weighed_by(method: Method, rule: str) -> bool:
    """Whether a rule gives each modality a weight; ``"own"`` does where the method itself does."""
    return method.weighs if rule == OWN else rule_weighs(rule)


@compute_threads()
def fused_again(
    evaluation: Evaluation, rule: str, temperatures: Sequence[float] | None = None
) -> Evaluation:
    """Return the evaluation with its logits fused by another rule.

    Parameters
    ----------
    evaluation : Evaluation
    rule : str
        A fusion rule, or ``"own"``, which changes nothing.
    temperatures : sequence of float, optional
        M numbers; each modality's logits are divided by its own before they are fused. They have no
        effect on ``"own"``.

    Raises
    ------
    ConfigError
        For an unknown rule or a temperature outside 0.01..100.

    Examples
    --------
    >>> from mla_core import ExperimentConfig
    >>> options = {"sizes": [60, 20, 20]}
    >>> session = TrainingSession(ExperimentConfig("gaussian", dataset_options=options))
    >>> fused_again(session.evaluate(), "uniform").weights[:, 0].tolist()
    [0.333..., 0.333..., 0.333...]
    """
    if rule == OWN:
        return evaluation
    RULES.check_name(rule)
    logits = evaluation.logits
    if temperatures is not None:
        logits = logits / _checked(temperatures, len(logits))[:, None, None]
    weights, fused = fused_by_rule(rule, logits, evaluation.present)
    return replace(evaluation, logits=logits, weights=weights, fused=fused)


def in_place(whole: Evaluation, one: Evaluation) -> Evaluation:
    """Return `whole` with its prediction for one sample replaced, its neighbours kept.

    Neighbours matter to the rule ``"released_batch"`` alone.

    Parameters
    ----------
    whole : Evaluation
    one : Evaluation
        Of one sample of `whole`, which may have been corrupted.
    """
    i = whole.ids.index(one.ids[0])

    def put(before: Tensor, new: Tensor, axis: int) -> Tensor:
        return torch.cat(
            [before.narrow(axis, 0, i), new, before.narrow(axis, i + 1, n - i - 1)], axis
        )

    n = len(whole.ids)
    return replace(
        whole,
        present=put(whole.present, one.present, 1),
        logits=put(whole.logits, one.logits, 1),
        weights=put(whole.weights, one.weights, 1),
        fused=put(whole.fused, one.fused, 0),
    )


def fitted_temperatures(evaluation: Evaluation) -> list[float]:
    """Return the temperature of each modality that fits these samples best (Guo et al., 2017)."""
    return [
        fit_temperature(logits[here], evaluation.labels[here])
        for logits, here in zip(evaluation.logits, evaluation.present, strict=True)
    ]


def best_modality(evaluation: Evaluation) -> int:
    """Return the index of the modality with the best accuracy alone, on the samples that have it."""
    accuracies = list(evaluation.unimodal_accuracy.values())
    return max(
        range(len(accuracies)), key=lambda m: (accuracies[m] == accuracies[m], accuracies[m])
    )


def most_uncertain(evaluation: Evaluation) -> list[int]:
    """Return all samples, the highest entropy of the fused prediction first.

    Samples without any part are left out: there is nothing to be sure of.
    """
    entropy = predictive_entropy(evaluation.fused)
    order = torch.argsort(entropy, descending=True, stable=True)
    return order[~evaluation.unanswered[order]].tolist()


def rescued(evaluation: Evaluation) -> list[int]:
    """Return the samples that fusion gets right and the best single modality does not.

    The best one is the same for all samples: `best_modality`. Where it is absent it gives no
    answer, which is not a right one. The surest fused predictions come first.
    """
    right, alone = _right(evaluation)
    return _surest(evaluation, right & ~alone[best_modality(evaluation)])


def broken(evaluation: Evaluation) -> list[int]:
    """Return the samples that fusion gets wrong though some modality alone is right.

    The surest wrong predictions come first.
    """
    right, alone = _right(evaluation)
    return _surest(evaluation, ~right & alone.any(0))


SELECTIONS: Mapping[str, tuple[str, Callable[[Evaluation], list[int]]]] = {
    "uncertain": (later("most uncertain first"), most_uncertain),
    "rescued": (later("fusion rescued it"), rescued),
    "broken": (later("fusion broke it"), broken),
}


@dataclass(frozen=True, eq=False)
class Sweep:
    """One corruption of one modality at several levels, and what was predicted at each.

    Attributes
    ----------
    modality, corruption : str
    levels : tuple of float
        From clean to worst.
    evaluations : tuple of Evaluation
        Of the same samples, one for each level, without features.
    """

    modality: str
    corruption: str
    levels: tuple[float, ...]
    evaluations: tuple[Evaluation, ...]

    def accuracies(
        self, rules: Sequence[str], temperatures: Sequence[float] | None = None
    ) -> dict[str, list[float]]:
        """Return, per rule, the fused accuracy at each level."""
        return {
            rule: [fused_again(e, rule, temperatures).accuracy for e in self.evaluations]
            for rule in rules
        }

    def alone(self) -> list[float]:
        """Return, at each level, the share of ALL samples that the corrupted modality gets right.

        Where the part is missing it gives no answer, which is not a right one.
        """
        m = self.evaluations[0].modalities.index(self.modality)
        return [float(_right(e)[1][m].double().mean()) for e in self.evaluations]


def sweep(
    session: TrainingSession,
    corruptor: Corruptor,
    modality: str,
    corruption: str,
    *,
    split: Split | None = None,
    count: int = 9,
    progress: Callable[[float], None] = lambda _: None,
) -> Sweep:
    """Corrupt one modality of all samples, level by level, and predict.

    Parameters
    ----------
    session : TrainingSession
    corruptor : Corruptor
        Of the session's data.
    modality, corruption : str
    split : Split, optional
        By default the session's probe set, samples of ``val``.
    count : int
        Levels, at least 2.
    progress : callable
        Told the share that is done, 0 to 1, after every level.
    """
    if count < 2:
        msg = f"a curve needs at least 2 levels of corruption, not {count!r}"
        raise ConfigError(msg)
    known = corruptor.corruptions(modality)
    one_of(f"corruption of modality {modality!r}", corruption, known)
    levels, samples = known[corruption].levels(count), session.probe if split is None else split
    evaluations = []
    for done, level in enumerate(levels, start=1):
        spoilt = corruptor.corrupt(samples, [Damage(modality, corruption, level)])
        evaluation = session.evaluate(spoilt)
        # Features are most of the memory, and no curve needs them.
        evaluations.append(replace(evaluation, features=evaluation.features[..., :0]))
        progress(done / len(levels))
    return Sweep(modality, corruption, tuple(levels), tuple(evaluations))


def _right(evaluation: Evaluation) -> tuple[Tensor, Tensor]:
    """Return whether the fused answer (N,), and each modality's own (M, N), is right."""
    alone = (evaluation.logits.argmax(-1) == evaluation.labels) & evaluation.present
    fused = (evaluation.fused.argmax(-1) == evaluation.labels) & ~evaluation.unanswered
    return fused, alone


def _surest(evaluation: Evaluation, chosen: Tensor) -> list[int]:
    confidence = torch.softmax(evaluation.fused, -1).amax(-1)
    order = torch.argsort(confidence, descending=True, stable=True)
    return order[chosen[order] & ~evaluation.unanswered[order]].tolist()


def _checked(temperatures: Sequence[float], n_modalities: int) -> Tensor:
    low, high = TEMPERATURES
    if len(temperatures) != n_modalities:
        msg = f"{len(temperatures)} temperature(s) for {n_modalities} modalities: give one for each"
        raise ConfigError(msg)
    for value in temperatures:
        if not low <= value <= high:
            msg = f"temperature {value!r} is outside {low:g}..{high:g}"
            raise ConfigError(msg)
    return torch.tensor(list(temperatures))
