"""What a reader calls a run: its method with what is special about it, and its condition."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from mla_core.catalogue import rule_in_force, traits
from mla_core.config import ExperimentConfig
from mla_core.encoders import choice_of
from mla_core.errors import ConfigError

if TYPE_CHECKING:
    import pandas as pd

_IDLE = ("off", "released")  # head gradients without P, so that its knobs say nothing
_PREDICTS = ("fusion", "averaging", "temperature", "stopping")
_STOPPING = {"last": "last epoch", "best": "epoch by accuracy", "best_nll": "epoch by NLL"}
_KNOBS = {"alpha": "α", "alpha_schedule": "", "reset": "new P every", "projection": "P on the"}


def with_names(
    frame: pd.DataFrame, chosen: Mapping[str, Iterable[str]] | None = None
) -> pd.DataFrame:
    """Return the runs with two more columns, `label` and `condition`.

    Parameters
    ----------
    frame : DataFrame
        From `mla_core.results.read`.
    chosen : mapping, optional
        For each run the settings that were chosen for it, which name nobody: a method is the same
        one whatever suits it on a data set.

    Returns
    -------
    DataFrame
        ``label`` says how it was trained: the method, for ``mla`` what is done to the head's
        gradient, how it predicts if not all do so alike, the modalities and encoders if chosen,
        and the method's own options.
        ``condition`` says on what: the data set, its options, what is missing, label noise, and
        whether modalities share their batches. The learning rate and the number of epochs are in
        neither.

    Examples
    --------
    >>> import pandas as pd
    >>> runs = {"method": ["mla", "unimodal"], "head_gradient": ["off", "paper"]}
    >>> runs |= {"modalities": ["[]", '["audio"]'], "dataset": ["emoji"] * 2}
    >>> runs |= {"missing": ["{}", '{"train":{"audio":0.9}}']}
    >>> named = with_names(pd.DataFrame(runs))
    >>> named["label"].tolist()
    ['mla (off)', 'unimodal (audio)']
    >>> named["condition"].tolist()
    ['emoji', 'emoji, 90 % of audio missing in train']
    """
    import pandas as pd

    defaults = ExperimentConfig().to_dict()
    settings = [name for name in defaults if name in frame]
    rows = [
        {name: _plain(row[name], defaults[name]) for name in settings}
        for row in frame[settings].to_dict("records")
    ]
    if chosen:
        runs = zip(rows, frame["run"], strict=True)
        rows = [_without(row, chosen.get(run, ()), defaults) for row, run in runs]
    # What all have in common names nobody.
    told = {name for name in _PREDICTS if len({row.get(name) for row in rows}) > 1}
    names = {
        "label": [_label(defaults | row, defaults, told) for row in rows],
        "condition": [_condition(defaults | row) for row in rows],
    }
    # The copy puts columns of one kind together, without which every selection takes ten times.
    return pd.concat([frame, pd.DataFrame(names, index=frame.index)], axis=1).copy()


def by_rule(
    frame: pd.DataFrame, rules: Iterable[str] = ("uniform", "entropy"), metric: str = "accuracy"
) -> pd.DataFrame:
    """Return one row per run and fusion rule: the same networks, their logits fused differently.

    Parameters
    ----------
    frame : DataFrame
        From `with_names`.
    rules : iterable of str
        As in the columns ``test.fusion.<rule>.<metric>``.
    metric : {"accuracy", "ece", "nll"}

    Returns
    -------
    DataFrame
        With ``variant`` (the former label), ``rule``, ``label`` (both together), ``condition``,
        ``dataset``, ``seed``, and ``test.<metric>`` under that rule.

    Raises
    ------
    ConfigError
        When there is no such rule, or a run has no logits to be fused by rules.
    """
    import pandas as pd

    parts = []
    for rule in rules:
        column = f"test.fusion.{rule}.{metric}"
        if column not in frame:
            msg = f"there is no column {column!r}"
            raise ConfigError(msg)
        if frame[column].isna().any():
            labels = sorted(set(frame.loc[frame[column].isna(), "label"]))
            msg = f"without {column!r}: {', '.join(labels)}"
            raise ConfigError(msg)
        part = frame[["run", "condition", "dataset", "seed"]]
        label = frame["label"] + ", " + rule
        value = {f"test.{metric}": frame[column]}
        parts.append(part.assign(variant=frame["label"], rule=rule, label=label, **value))
    return pd.concat(parts, ignore_index=True)


def _without(
    row: Mapping[str, Any], chosen: Iterable[str], defaults: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the settings of a run with those at their defaults that were chosen for it."""
    start = "method_options."
    options = {k: v for k, v in row["method_options"].items() if f"{start}{k}" not in chosen}
    plain = {name: defaults[name] for name in chosen if not name.startswith(start)}
    return {**row, **plain, "method_options": options}


def _plain(value: Any, default: Any) -> Any:
    """Return a setting as it was before it went into a CSV."""
    return json.loads(value) if isinstance(default, list | dict) else value


def _label(run: Mapping[str, Any], defaults: Mapping[str, Any], told: Iterable[str]) -> str:
    said = []
    if "head_gradient" in traits(run["method"]).uses:
        said.append(run["head_gradient"])
        if run["head_gradient"] not in _IDLE:
            for name, word in _KNOBS.items():
                if run[name] != defaults[name]:
                    said.append(f"{word} {_number(run[name])}".strip())
    said += _how_it_predicts(run, told)
    if run["modalities"]:
        said.append("+".join(run["modalities"]))
    for name, entry in run["encoders"].items():
        choice = choice_of(name, entry)
        how = "" if choice.train == "full" else f" {choice.train}"
        said.append(f"{name} by {choice.name}{how}")
    said += [f"{name} {_number(value)}" for name, value in run["method_options"].items()]
    return f"{run['method']} ({', '.join(said)})" if said else str(run["method"])


def _how_it_predicts(run: Mapping[str, Any], told: Iterable[str]) -> list[str]:
    fused = rule_in_force(run["method"], run["fusion"])
    words = {
        "fusion": f"fused by {fused}" if fused else "",
        "averaging": "averaged" if run["averaging"] else "",
        "temperature": "calibrated" if run["temperature"] == "fitted" else "",
        "stopping": _STOPPING[run["stopping"]],
    }
    return [words[name] for name in _PREDICTS if name in told and words[name]]


def _condition(run: Mapping[str, Any]) -> str:
    said = [str(run["dataset"]), *_options(run["dataset_options"]), *_missing(run["missing"])]
    if run["label_noise"]:
        said.append(f"{run['label_noise']:.0%} random labels".replace("%", " %"))
    if run["pairing"] == "independent":
        said.append("independent batches")
    return ", ".join(said)


def _options(options: Mapping[str, Any]) -> list[str]:
    rest = {name: value for name, value in options.items() if (name, value) != ("seed", "run")}
    said = []
    if "modalities" in rest:
        said.append(f"{rest.pop('modalities')} modalities")
    if isinstance(rest.get("noise"), list):
        levels = [(level, len(list(same))) for level, same in itertools.groupby(rest.pop("noise"))]
        said.append("noise " + " + ".join(f"{n} × {x:g}" if n > 1 else f"{x:g}" for x, n in levels))
    if "classes" in rest:
        said.append(f"{rest.pop('classes')} classes")
    if isinstance(rest.get("sizes"), list):
        said.append(f"{rest.pop('sizes')[0]} samples")
    return said + [f"{name} {json.dumps(value)}" for name, value in rest.items()]


def _missing(missing: Mapping[str, Any]) -> list[str]:
    if len(missing) == 3 and len(rates := set(map(str, missing.values()))) == 1:
        share = next(iter(missing.values()))
        if not isinstance(share, dict) and rates:
            return [f"{_percent(share)} missing"]
    said = []
    for split, share in missing.items():
        per = share if isinstance(share, dict) else {"": share}
        for name, rate in per.items():
            of = f" of {name}" if name else ""
            said.append(f"{_percent(rate)}{of} missing in {split}")
    return said


def _percent(share: float) -> str:
    return f"{100 * share:g} %"


def _number(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
