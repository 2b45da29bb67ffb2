"""From a configuration to run folders: one experiment, a notebook, a sweep."""

from mla_core.runs.experiment import run_experiment, train
from mla_core.runs.finished import Begun, Run, read_all_runs, read_run, read_runs
from mla_core.runs.following import Course, Follower
from mla_core.runs.notebook import notebook_parameters, reject_unknown_parameters, run_notebook
from mla_core.runs.places import find_runs
from mla_core.runs.same_data import data_of_run, refuse_new_cache
from mla_core.runs.specification import Specification, read_specification, specify
from mla_core.runs.stages import choices_in
from mla_core.runs.stopping import named_run, stop_run
from mla_core.runs.sweep import SweepReport, failures_of, run_sweep
from mla_core.runs.trained import trained
from mla_core.runs.verify import Committed, Repetition, read_committed, repetitions

__all__ = [
    "Begun",
    "Committed",
    "Course",
    "Follower",
    "Repetition",
    "Run",
    "Specification",
    "SweepReport",
    "choices_in",
    "data_of_run",
    "failures_of",
    "find_runs",
    "named_run",
    "notebook_parameters",
    "read_all_runs",
    "read_committed",
    "read_run",
    "read_runs",
    "read_specification",
    "refuse_new_cache",
    "reject_unknown_parameters",
    "repetitions",
    "run_experiment",
    "run_notebook",
    "run_sweep",
    "specify",
    "stop_run",
    "train",
    "trained",
]
