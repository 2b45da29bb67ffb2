"""The command ``torchrun --nproc-per-node K -m mla_core.train CONFIG.json``; see `mla_core.cli.together`."""

import sys

from mla_core.cli.together import main

if __name__ != "__main__":
    msg = "mla_core.train is a command, not a module: the function is mla_core.runs.train"
    raise ImportError(msg)

sys.exit(main())
