"""The command `mla-lab`."""

from mla_core.cli.main import main

__all__ = ["main"]
