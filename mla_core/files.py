"""Files and folders that other files may rely on: whole or not there."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

from mla_core.errors import ConfigError


def check_writable(folder: Path) -> None:
    """Raise `ConfigError` unless files can be made in `folder`, which is made when missing."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        msg = f"cannot write to the folder {str(folder)!r}: {error.strerror}. Choose another one."
        raise ConfigError(msg) from error


def write_json(path: Path, values: dict[str, Any]) -> None:
    """Write a file that is whole or not there at all, even if this process ends meanwhile."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.write_text(json.dumps(values, indent=2, allow_nan=False) + "\n", encoding="utf-8")
    beside.replace(path)
