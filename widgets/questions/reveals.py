"""Answers about networks just trained, for `widgets.predict`: the choice, a sentence, a figure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import plotly.graph_objects as go
from IPython.display import HTML

from mla_core.analysis import in_range, lowest
from mla_core.data.samples import Split
from mla_core.language import later, tr
from mla_core.records import Evaluation
from mla_core.words import sentences
from widgets.charts import comparison_figure
from widgets.page import text

_MARKS = {True: later("there"), False: later("missing")}
Told = tuple[str, str, go.Figure]


def weakest_modality(evaluations: Mapping[str, Evaluation]) -> Told:
    """Return the modality with the lowest accuracy by itself, in the first evaluation."""
    first = next(iter(evaluations.values()))
    return *lowest(first.unimodal_accuracy), comparison_figure(evaluations)


def least_gained(evaluations: Mapping[str, Evaluation]) -> Told:
    """Return the modality whose accuracy by itself rises least from the first to the last.

    Parameters
    ----------
    evaluations : mapping of str to Evaluation
        Of the same samples, from a label such as ``"MLA"``.
    """
    first, *_, last = evaluations.values()
    gains = {
        name: 100 * (after - first.unimodal_accuracy[name])
        for name, after in last.unimodal_accuracy.items()
    }
    choice, sentence = lowest(gains, tr("{:+.1f} points"))
    return choice, sentence, comparison_figure(evaluations)


def fused_change(evaluations: Mapping[str, Evaluation], edges: Sequence[float]) -> Told:
    """Return which range the change of fused accuracy from the first to the last lies in.

    Parameters
    ----------
    evaluations : mapping of str to Evaluation
        Of the same samples, from a label such as ``"MLA"``.
    edges : sequence of float
        In points, as for `mla_core.analysis.guesses.ranges`.
    """
    first, *_, last = evaluations.values()
    change = 100 * (last.accuracy - first.accuracy)
    return *in_range(change, edges, tr("points")), comparison_figure(evaluations)


def complete_samples(split: Split, edges: Sequence[float]) -> tuple[str, str, HTML]:
    """Return which range the share of samples with all parts lies in, and a table of all patterns.

    Parameters
    ----------
    split : Split
    edges : sequence of float
        In percent, as for `mla_core.analysis.guesses.ranges`.
    """
    shares = split.present.double().mean(1)
    complete = 100 * float(split.present.all(0).double().mean())
    choice, sentence = in_range(complete, edges, tr("of 100"))
    expected = 100 * float(shares.prod())
    each = tr(", ").join(
        f"{name} {share:.0%}" for name, share in zip(split.inputs, shares.tolist(), strict=True)
    )
    told = tr(
        "Present are {each}; were they independent, {expected:.1f} would be complete.",
        each=each,
        expected=expected,
    )
    patterns = Counter(map(tuple, split.present.T.tolist()))
    rows = "".join(
        f"<tr>{''.join(f'<td>{tr(_MARKS[here])}</td>' for here in pattern)}<td>{count}</td></tr>"
        for pattern, count in patterns.most_common()
    )
    head = "".join(f'<th scope="col">{text(name)}</th>' for name in (*split.inputs, tr("samples")))
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    return choice, sentences(sentence, told), HTML(table)
