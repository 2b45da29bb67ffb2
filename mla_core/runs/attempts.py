"""One run of many: whatever becomes of it is told, so that the others go on."""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mla_core.config import ExperimentConfig
from mla_core.errors import ConfigError, StoppedError
from mla_core.runs.experiment import run_experiment

Todo = dict[str, ExperimentConfig | Mapping[str, Any]]  # a run's name -> what it is
Outcome = tuple[str, str, str]  # the run's name, the error ("" when all went well), its traceback
STOPPED = "stopped on request"  # in place of an error


def attempt(
    name: str, what: ExperimentConfig | Mapping[str, Any], notebook: Path | None, out: Path
) -> Outcome:
    """Run it; return its name and what went wrong."""
    from mla_core.runs.notebook import run_notebook

    try:
        if isinstance(what, ExperimentConfig):
            if what.hash != name:
                changed = ", ".join(guest.module for guest in what.guests())
                msg = f"the code of {changed} has changed since the sweep began: start it again"
                raise ConfigError(msg)  # noqa: TRY301 - it is this run's outcome
            run_experiment(what, out)
        elif notebook is not None:
            run_notebook(notebook, what, out)
    except StoppedError:
        return name, STOPPED, ""
    except Exception as error:  # noqa: BLE001 - whatever it is, the other runs go on
        return name, f"{type(error).__name__}: {error}", traceback.format_exc()
    return name, "", ""
