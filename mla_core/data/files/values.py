"""What people hand over as N samples: lists, arrays, tensors, columns of pandas; nothing is guessed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from mla_core.data.files.cells import is_missing
from mla_core.errors import DataError


def values_of(what: str, values: Any) -> list[Any]:
    """Return N values, one for each sample, masked ones as None.

    Parameters
    ----------
    what : str
        How a sentence calls them.
    values : object
        A list, an array (N, ...), a tensor, or a column of pandas.

    Raises
    ------
    DataError
        When it is something else: what has no order or no length, one text, numbers (N, C).

    Examples
    --------
    >>> values_of("`labels`", np.array([1, 2]))
    [1, 2]
    >>> values_of("`labels`", {"owl", "tit"})
    Traceback (most recent call last):
    mla_core.errors.DataError: `labels` is a set: give a list or an array
    """
    wrong = values is None or isinstance(values, str | bytes | AbstractSet | Mapping | Iterator)
    if wrong or not isinstance(values, Iterable) or not hasattr(values, "__len__"):
        told = "None" if values is None else f"a {type(values).__name__}"
        msg = f"{what} is {told}: give a list or an array"
        raise DataError(msg)
    if isinstance(values, Tensor | np.ndarray):
        if values.ndim != 1:
            cure = "take the argmax of one-hot rows" if values.ndim == 2 else "flatten it"
            msg = f"{what} has the shape {tuple(values.shape)}: give one for each sample, or {cure}"
            raise DataError(msg)
        found: list[Any] = values.tolist()
        return found
    return list(values)


def array_of(what: str, values: Any) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Return numbers (N, ...), zeros where a sample is missing, and (N,) which are there.

    Parameters
    ----------
    what : str
        How a sentence calls them.
    values : object
        An array or a tensor, perhaps masked; or a list of arrays of one shape, with None for those
        that are missing.

    Raises
    ------
    DataError
        When the samples are of several shapes, masked in part, or no numbers.

    Examples
    --------
    >>> array_of("modality 'x'", [[1.0, 2.0], None])
    (array([[1., 2.],
           [0., 0.]]), array([ True, False]))
    """
    x: NDArray[Any]
    if isinstance(values, Tensor):
        tensor = values.detach().cpu()
        x = np.asarray(tensor.float() if tensor.is_floating_point() else tensor)
    elif isinstance(values, np.ndarray) and values.dtype != object:
        x = values
    else:
        return _stacked(what, values_of(what, values))
    if x.dtype.kind not in "fiub" or x.ndim == 0:
        msg = f"{what} is {x.dtype} of shape {x.shape}, not numbers: give it as float32"
        raise DataError(msg)
    return _unmasked(what, x)


def _unmasked(what: str, x: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    if not isinstance(x, np.ma.MaskedArray):
        return x, np.ones(len(x), bool)
    masked: NDArray[np.bool_] = np.ma.getmaskarray(x).reshape(len(x), -1)
    hidden = np.asarray(masked.all(1))
    if (part := masked.any(1) & ~hidden).any():
        msg = f"{what}: sample {part.argmax()} is masked in part: fill it, or mask all of it"
        raise DataError(msg)
    return np.asarray(np.ma.filled(x, 0)), ~hidden


def _stacked(what: str, values: list[Any]) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    present = np.array([not is_missing(value) for value in values], bool)
    rows: dict[int, NDArray[Any]] = {}
    for i in np.flatnonzero(present).tolist():
        value = values[i]
        try:
            row = array_of(what, value)[0] if isinstance(value, Tensor) else np.asarray(value)
        except (ValueError, TypeError) as error:
            msg = f"{what}: sample {i} is no array ({error}): make its rows alike"
            raise DataError(msg) from error
        if row.dtype.kind not in "fiub":
            msg = f"{what} holds {type(value).__name__}, as in sample {i}: give numbers or texts"
            raise DataError(msg)
        first = next(iter(rows.values()), row)
        if row.shape != first.shape:
            msg = f"{what}: sample {i} has the shape {row.shape}, others {first.shape}: make them alike"
            raise DataError(msg)
        rows[i] = row
    if not rows:
        msg = f"{what} is missing from every sample: take it out"
        raise DataError(msg)
    stacked = np.stack(list(rows.values()))
    x = np.zeros((len(values), *stacked.shape[1:]), stacked.dtype)
    x[present] = stacked
    return x, present
