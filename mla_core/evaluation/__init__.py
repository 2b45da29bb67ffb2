"""Numbers and maps of what was predicted."""

from mla_core.evaluation.linear_probe import probe_accuracy
from mla_core.evaluation.looks import LIVE, is_better, summary_of
from mla_core.evaluation.maps import (
    UMAP_LEAST,
    MapWorker,
    align,
    pca_map,
    trustworthiness,
    umap_map,
)
from mla_core.evaluation.metrics import (
    brier_score,
    discrepancy_ratios,
    expected_calibration_error,
    mean_surplus,
    negative_log_likelihood,
    oracle_accuracy,
    reliability_bins,
    summarise,
)
from mla_core.evaluation.numbers import numbers_of
from mla_core.evaluation.replay import ALL_EQUAL, NO_PARTS, Map, Replay, unit_features

__all__ = [
    "ALL_EQUAL",
    "LIVE",
    "NO_PARTS",
    "UMAP_LEAST",
    "Map",
    "MapWorker",
    "Replay",
    "align",
    "brier_score",
    "discrepancy_ratios",
    "expected_calibration_error",
    "is_better",
    "mean_surplus",
    "negative_log_likelihood",
    "numbers_of",
    "oracle_accuracy",
    "pca_map",
    "probe_accuracy",
    "reliability_bins",
    "summarise",
    "summary_of",
    "trustworthiness",
    "umap_map",
    "unit_features",
]
