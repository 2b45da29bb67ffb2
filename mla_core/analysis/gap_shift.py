"""What if the modality gap were smaller, or larger? Move one modality along it and predict again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from mla_core.errors import ConfigError
from mla_core.methods import Method
from mla_core.records import Evaluation
from mla_core.threads import compute_threads

SHIFTS = tuple(np.round(np.linspace(-1, 2, 16), 1).tolist())  # 0 is the network as it is


def gap_vector(evaluation: Evaluation, moved: str, towards: str) -> Tensor:
    """Return the vector from the centroid of one modality to that of another.

    Parameters
    ----------
    evaluation : Evaluation
    moved, towards : str
        Two different modalities of it.

    Returns
    -------
    Tensor
        (s,), the difference of the mean features, each feature scaled to length 1 first. Its
        length is `mla_core.evaluation.modality_gap.centroid_gap`.

    Raises
    ------
    ConfigError
        When a name is not one of the modalities, both are the same, or one has no sample.
    """
    names = evaluation.modalities
    for name in (moved, towards):
        if name not in names:
            msg = f"there is no modality {name!r}: choose among {list(names)}"
            raise ConfigError(msg)
        if not evaluation.present[names.index(name)].any():
            msg = f"no sample has the modality {name!r}, so it lies nowhere: choose another"
            raise ConfigError(msg)
    if moved == towards:
        msg = f"there is no gap from {moved!r} to itself: choose two different modalities"
        raise ConfigError(msg)
    return _centroid(evaluation, names.index(towards)) - _centroid(evaluation, names.index(moved))


@torch.no_grad()
def shift(
    evaluation: Evaluation,
    method: Method,
    moved: str,
    towards: str,
    shifts: Sequence[float] = SHIFTS,
) -> list[Evaluation]:
    """Return what the method predicts when one modality lies elsewhere, the head left alone.

    Parameters
    ----------
    evaluation : Evaluation
        Of the samples to move, as they are.
    method : Method
        Whose head reads the moved features, such as ``session.method``.
    moved, towards : str
        Which modality moves, and towards which other one.
    shifts : sequence of float
        In gap vectors: 0 leaves everything in place, 1 moves the one centroid to the other before
        the features get their length back, -1 moves it as far away.

    Returns
    -------
    list of Evaluation
        One for each shift.

    Raises
    ------
    ConfigError
        As in `gap_vector`, or when a shift is not finite.

    Notes
    -----
    As Liang et al. (NeurIPS 2022, section 4.2): features scaled to length 1 are shifted and scaled
    to length 1 again. A head reads unscaled features here, so every feature then gets its own
    length back: directions change, lengths do not.

    Examples
    --------
    >>> import mla_core as mla
    >>> session = mla.TrainingSession(mla.ExperimentConfig(dataset="gaussian", probe_size=40))
    >>> look = session.history.latest
    >>> here, closed = shift(look, session.method, "m0", "m1", shifts=[0, 1])
    >>> bool((here.fused - look.fused).abs().max() < 1e-5)
    True
    """
    vector = gap_vector(evaluation, moved, towards)
    row = evaluation.modalities.index(moved)
    lengths = evaluation.features[row].norm(dim=-1, keepdim=True)
    unit = F.normalize(evaluation.features[row], dim=-1)
    looks = []
    with compute_threads():
        for amount in shifts:
            if not np.isfinite(amount):
                msg = f"a shift must be a finite number of gap vectors, not {amount}"
                raise ConfigError(msg)
            features = evaluation.features.clone()
            features[row] = F.normalize(unit + amount * vector, dim=-1) * lengths
            read = method.predictor.read(features, evaluation.present)
            looks.append(
                replace(
                    evaluation,
                    features=features,
                    logits=read.logits,
                    weights=read.weights,
                    fused=read.fused,
                )
            )
    return looks


def _centroid(evaluation: Evaluation, row: int) -> Tensor:
    return F.normalize(evaluation.features[row][evaluation.present[row]], dim=-1).mean(0)
