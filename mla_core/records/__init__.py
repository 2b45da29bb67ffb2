"""What happened: steps, looks, and the way back to them."""

from mla_core.records.checkpoint import (
    LOOKS,
    load_snapshot,
    remove_checkpoints,
    save_snapshot,
    trained_on,
)
from mla_core.records.history import Change, Evaluation, History, StepRecord, Summary
from mla_core.records.recording import Moment, Recording
from mla_core.records.snapshot import Snapshot
from mla_core.records.thinning import EvenList

__all__ = [
    "LOOKS",
    "Change",
    "Evaluation",
    "EvenList",
    "History",
    "Moment",
    "Recording",
    "Snapshot",
    "StepRecord",
    "Summary",
    "load_snapshot",
    "remove_checkpoints",
    "save_snapshot",
    "trained_on",
]
