"""A replay as a file, and whether what a file holds is one: every shape and bound is looked at."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

# Of each array its dimensions, and the kinds of numbers that it may hold (numpy's letters).
ARRAYS = {
    "labels": ("N", "iu"),
    "present": ("MN", "b"),
    "steps": ("T", "iu"),
    "epochs": ("T", "iu"),
    "predicted": ("TMN", "i"),
    "fused": ("TN", "i"),
    "weights": ("TMN", "f"),
    "distances": ("TPN", "f"),
    "centroid_gap": ("TP", "f"),
    "separability": ("T", "f"),
}
OF_A_MAP = {"looks": ("L", "iu"), "coords": ("LK2", "f"), "trust": ("L", "f")}
NAMES = ("modalities", "classes", "ids")


def take_facts(arrays: dict[str, Array]) -> dict[str, Any]:
    """Take the text with names and captions out of the arrays.

    Raises
    ------
    ValueError
        When it is not there, or holds something else.
    """
    if "facts" not in arrays or arrays["facts"].dtype.kind != "U" or arrays["facts"].ndim:
        msg = "it holds no 'facts'"
        raise ValueError(msg)
    facts = json.loads(str(arrays.pop("facts")))
    wanted = {"version", "captions", *NAMES}
    if not isinstance(facts, dict) or set(facts) != wanted:
        msg = f"'facts' must be an object of {sorted(wanted)}"
        raise ValueError(msg)
    for name in NAMES:
        _check_names(name, facts[name])
    captions = facts["captions"]
    if not isinstance(captions, dict) or not all(isinstance(c, str) for c in captions.values()):
        msg = "'captions' must be texts"
        raise ValueError(msg)
    return facts


def check_arrays(facts: Mapping[str, Any], arrays: Mapping[str, Array]) -> None:
    """Raise `ValueError` naming the array that is missing, unknown, or does not fit the others."""
    maps = {f"map.{name}.{key}": name for name in facts["captions"] for key in OF_A_MAP}
    for name in {*ARRAYS, *maps} ^ set(arrays):
        msg = f"{name!r} is {'unknown' if name in arrays else 'missing'}"
        raise ValueError(msg)
    modalities = len(facts["modalities"])
    sizes = {
        "M": modalities,
        "N": len(facts["ids"]),
        "P": modalities * (modalities - 1) // 2,
        "T": arrays["steps"].size,
        "2": 2,
    }
    for name, (dimensions, kinds) in ARRAYS.items():
        _check_shape(name, arrays[name], tuple(sizes[d] for d in dimensions), kinds)
    classes = len(facts["classes"])
    _check_within("labels", arrays["labels"], 0, classes)
    _check_within("predicted", arrays["predicted"], -1, classes)
    _check_within("fused", arrays["fused"], -1, classes)
    _check_rising("steps", arrays["steps"])
    sizes["K"] = int(arrays["present"].sum())
    for name in facts["captions"]:
        here = {key: arrays[f"map.{name}.{key}"] for key in OF_A_MAP}
        sizes["L"] = here["looks"].size
        for key, (dimensions, kinds) in OF_A_MAP.items():
            shape = tuple(sizes[d] for d in dimensions)
            _check_shape(f"map.{name}.{key}", here[key], shape, kinds)
        _check_rising(f"map.{name}.looks", here["looks"])
        _check_within(f"map.{name}.looks", here["looks"], 0, sizes["T"])
        if not np.isfinite(here["coords"]).all():
            msg = f"'map.{name}.coords' holds numbers that are not finite"
            raise ValueError(msg)


def _check_names(what: str, names: Any) -> None:
    whole = isinstance(names, list) and all(isinstance(name, str) for name in names)
    if not whole or len(set(names)) < len(names) or not names:
        msg = f"{what!r} must be a list of names, none twice"
        raise ValueError(msg)


def _check_shape(name: str, array: Array, shape: Sequence[int], kinds: str) -> None:
    if array.shape != shape or array.dtype.kind not in kinds:
        msg = f"{name!r} must be of shape {shape}, not {array.dtype} {array.shape}"
        raise ValueError(msg)


def _check_within(name: str, array: Array, least: int, below: int) -> None:
    if array.size and not (least <= array.min() and array.max() < below):
        msg = f"{name!r} must lie from {least} to {below - 1}, not {array.min()} to {array.max()}"
        raise ValueError(msg)


def _check_rising(name: str, array: Array) -> None:
    if not array.size or (np.diff(array.astype(np.int64), prepend=-1) <= 0).any():
        msg = f"{name!r} must rise, from 0 or above"
        raise ValueError(msg)
