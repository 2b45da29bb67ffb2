"""A run in a process of its own, which trains when it is told to."""

import json
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

# Takes two sub-steps for each line that it is sent, in chunks of its own after that.
CHILD = """
import json, sys
from mla_core import ExperimentConfig, TrainingSession
from mla_core.errors import StoppedError
from mla_core.records import journal
from mla_core.runs import experiment

journal.SECONDS = 0
advance = TrainingSession.advance

def when_asked(self, **limits):
    print(self.step, flush=True)
    sys.stdin.readline()
    return advance(self, steps=2)

TrainingSession.advance = when_asked
try:
    experiment.run_experiment(ExperimentConfig.from_dict(json.loads(sys.argv[1])), sys.argv[2])
except StoppedError as error:
    print(error, flush=True)
"""


@contextmanager
def elsewhere(config, out: Path):
    """Start a process that trains, two sub-steps at a time; give a function that lets it take them."""
    command = [sys.executable, "-c", CHILD, json.dumps(config.to_dict()), str(out)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as child:

        def take(steps: int = 2) -> str:
            for _ in range(steps // 2):
                child.stdin.write("\n")
                child.stdin.flush()
                told = child.stdout.readline()
            return told

        try:
            assert child.stdout.readline() == "0\n"
            yield child, take
        finally:
            child.kill()
