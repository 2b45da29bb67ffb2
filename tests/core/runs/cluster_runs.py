"""A run that other processes can import."""

import multiprocessing
import os
import signal

from mla_core import ExperimentConfig


class Poison(ExperimentConfig):
    """A run that kills the process that it runs in."""

    def data_options(self):
        if multiprocessing.current_process().name != "MainProcess":  # where it is only read
            os.kill(os.getpid(), signal.SIGKILL)
        return super().data_options()
