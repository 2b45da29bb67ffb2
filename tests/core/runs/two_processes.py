"""One of two processes that train together, case by case; the leader writes what came of each."""

import json
import os
import sys
from pathlib import Path

import torch

from mla_core import ExperimentConfig, TrainingSession, train
from mla_core.data.samples import read_ahead
from mla_core.errors import ProcessLostError
from mla_core.methods import Call, Team, follow, meet, method_class
from mla_core.named_data import data_of
from mla_core.records import save_snapshot
from mla_core.runs.same_data import short

TINY = {
    "dataset": "gaussian",
    "dataset_options": {"modalities": 3, "classes": 4, "dim": 5, "sizes": [40, 24, 20]},
    "epochs": 2,
    "batch_size": 16,
    "feature_size": 12,
    "evaluate_every": 4,
    "probe_size": 20,
}

CASES = {
    "modality": ("modality", {}),
    "dataset mean": ("modality", {"head_gradient": "dataset_mean", "stopping": "best"}),
    "order": ("modality", {"order": ["m0", "m1", "m0", "m2", "m2"], "pairing": "independent"}),
    "missing, adamw": (
        "modality",
        {"missing": {"train": 0.7}, "optimizer": "adamw", "learning_rate_schedule": "cosine"},
    ),
    "own heads": ("modality", {"method": "ensemble", "order": "random", "feature_size": 13}),
    "no weights": ("modality", {"encoder": "none", "feature_size": 12}),
    "resumed": ("modality", {"optimizer": "adamw", "learning_rate": 0.01}),
    "rows": ("data", {"epochs": 1}),
    "rows, few": ("data", {"epochs": 1, "missing": {"train": 0.9}}),
    "rows, resumed": ("data", {"epochs": 1, "projection": "update"}),
    "left alone": ("modality", {}),
}


def lead(name: str, config: ExperimentConfig, team: Team, folder: Path) -> dict[str, object]:
    if "resumed" in name:
        half = TrainingSession(config)
        half.advance(steps=5)
        save_snapshot(half.snapshot(), folder, short(half.data))
    try:
        session = train(config, folder if "resumed" in name else None, team=team)
    except ProcessLostError as error:
        return {"said": str(error)}
    team.call(Call.END)
    alone = train(config)
    ours, theirs = session.method.state_dict(), alone.method.state_dict()
    apart = [
        max(abs(a.loss - b.loss), abs(a.plasticity - b.plasticity))
        for a, b in zip(session.history.steps, alone.history.steps, strict=True)
    ]
    return {
        "records": session.history.steps == alone.history.steps,
        "looks": session.history.summaries == alone.history.summaries,
        "weights": bits(ours) == bits(theirs),
        "apart": max(*apart, *(distance(ours[key], theirs[key]) for key in theirs)),
    }


def bits(state: dict[str, torch.Tensor]) -> dict[str, bytes]:
    return {key: x.contiguous().numpy().tobytes() for key, x in state.items()}


def distance(one: torch.Tensor, two: torch.Tensor) -> float:
    assert torch.equal(one.isnan(), two.isnan())
    return float((one.double() - two.double()).nan_to_num().abs().max())


def main(folder: Path) -> None:
    meet()
    for name, (cut, settings) in CASES.items():
        config, team = ExperimentConfig(**(TINY | settings)), Team(cut)
        if team.leads:
            found = lead(name, config, team, folder / name)
            (folder / f"{name}.json").write_text(json.dumps(found), encoding="utf-8")
            continue
        assert team.heard()[0] == Call.BEGIN
        data = data_of(config)
        method = method_class(config.method)(config, data.modalities, len(data.classes))
        if name == "left alone":
            method.join(team)
            os._exit(9)
        follow(method, read_ahead(data.split("train")), team)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
    os._exit(0)
