"""Large tensors come and go without the kernel."""

import os
import platform
import subprocess
import sys

import pytest

from mla_core import TrainingSession
from mla_core.methods import base

PAGES = """
import resource
import torch
from mla_core.memory import keep_memory

said = keep_memory()
for _ in range(2):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(50):
        torch.zeros(2**20).add_(1.0)  # 4 MB
    faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
print(said, faults)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc alone is told")
@pytest.mark.parametrize(
    ("environment", "kept"),
    [({}, True), ({"MALLOC_TRIM_THRESHOLD_": "1000"}, False)],
    ids=["as it is", "as the user says"],
)
def test_what_was_freed_is_used_again(environment, kept):
    plain = {k: v for k, v in os.environ.items() if not k.startswith(("MALLOC_", "GLIBC_"))}
    done = subprocess.run(
        [sys.executable, "-c", PAGES],
        env=plain | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    said, faults = done.stdout.split()
    assert said == str(kept)
    pages = 50 * 2**22 // os.sysconf("SC_PAGESIZE")
    assert (int(faults) < pages / 20) == kept


def test_a_session_asks_for_it(monkeypatch, tiny):
    asked = []
    monkeypatch.setattr(base, "keep_memory", lambda: asked.append(True))
    TrainingSession(tiny())
    assert asked == [True]
