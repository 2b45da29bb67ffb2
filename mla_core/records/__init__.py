"""What happened: steps, looks, and the way back to them."""

from mla_core.records.checkpoint import (
    LOOKS,
    computed_on,
    load_snapshot,
    remove_checkpoints,
    save_snapshot,
    trained_on,
)
from mla_core.records.history import Change, Evaluation, History, StepRecord, Summary
from mla_core.records.journal import JOURNAL, About, Journal, JournalReader
from mla_core.records.recording import Moment, Recording, name_of_look, read_look
from mla_core.records.snapshot import Snapshot
from mla_core.records.thinning import EvenList

__all__ = [
    "JOURNAL",
    "LOOKS",
    "About",
    "Change",
    "Evaluation",
    "EvenList",
    "History",
    "Journal",
    "JournalReader",
    "Moment",
    "Recording",
    "Snapshot",
    "StepRecord",
    "Summary",
    "computed_on",
    "load_snapshot",
    "name_of_look",
    "read_look",
    "remove_checkpoints",
    "save_snapshot",
    "trained_on",
]
