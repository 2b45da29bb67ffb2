"""Configurations with one guest of each kind, and the file that they come from."""

import sys
import textwrap
from pathlib import Path

import mla_core as mla

SMALL = {
    "dataset": "gaussian",
    "dataset_options": {"sizes": [60, 30, 30], "classes": 4},
    "epochs": 1,
    "batch_size": 16,
    "feature_size": 8,
}


KINDS = {
    "fusion": {"fusion": "{}:sharpest"},
    "fused logits": {"fusion": "{}:product"},
    "head gradient": {"head_gradient": "{}:Forgetful"},
    "method": {"method": "{}:Patient"},
    "method with options": {"method": "{}:Patient", "method_options": {"share": 0.25}},
    "bare method": {"method": "{}:Counting"},
    "data": {"dataset": "{}:two_clouds", "dataset_options": {"noise": 1.0}},
    "encoder": {"encoders": {"m0": "{}:Wide"}},
    "number": {"metrics": ["{}:top_two"]},
}


def named(settings, lab):
    if isinstance(settings, str):
        return settings.replace("{}", lab)
    if isinstance(settings, dict):
        return {key: named(value, lab) for key, value in settings.items()}
    return [named(value, lab) for value in settings] if isinstance(settings, list) else settings


def config_of(kind, lab, **more):
    return mla.ExperimentConfig(**(SMALL | named(KINDS[kind], lab) | more))


def write(lab, text):
    """Write the module anew, where it is found."""
    (file,) = (p for place in sys.path if (p := Path(place, f"{lab}.py")).is_file())
    file.write_text(textwrap.dedent(text), encoding="utf-8")
