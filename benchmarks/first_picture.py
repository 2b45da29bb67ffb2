"""How long until the bench shows its first chart: from Run All, and from `mla-lab lab`?"""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.first_hour import check_bench, open_notebook, run_all
from tests.browser.live_lab import chromium, find_chromium, own_jupyter, profile

SECONDS = 180
ADDRESS = re.compile(rb"http://127\.0\.0\.1:\d+/\S*\?token=[0-9a-f]+")


def main() -> None:
    if find_chromium() is None:
        print("  not measured: no Chromium here")
        return
    folder = Path(tempfile.mkdtemp(prefix="first-picture-"))
    try:
        with chromium() as browser, profile(browser) as person:
            for _ in range(2):  # the second time, the caches of files and of the browser are warm
                run_all, whole = _measure(person.new_page(), folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    _tell("Run All to the first chart", run_all, 6)
    _tell("`mla-lab lab`, a second time, to the first chart", whole, 12)


def _measure(page: Page, folder: Path) -> tuple[float, float]:
    """Return the seconds from Run All, and from the start of the server."""
    page.set_default_timeout(SECONDS * 1000)
    expect.set_options(timeout=SECONDS * 1000)
    started = time.monotonic()
    command = [sys.executable, "-m", "mla_core.cli.main", "lab", str(folder), "--no-browser"]
    lab = subprocess.Popen(  # noqa: S603 - our own command
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=own_jupyter(folder),  # whatever this machine's has open would be opened, too
        start_new_session=True,
    )
    try:
        open_notebook(page, _address(lab))
        pressed = time.monotonic()
        run_all(page)
        now = time.monotonic()
        check_bench(page)
        return now - pressed, now - started
    finally:
        page.close()
        os.killpg(lab.pid, signal.SIGTERM)
        lab.communicate(timeout=30)


def _address(lab: subprocess.Popen[bytes]) -> str:
    """Return the address that is printed, as soon as something answers there."""
    assert lab.stdout is not None
    for line in lab.stdout:
        if found := ADDRESS.search(line):
            address = found.group().decode()
            while True:
                with contextlib.suppress(urllib.error.URLError):
                    urllib.request.urlopen(address).close()  # noqa: S310 - what we started
                    return address
                time.sleep(0.05)
    raise RuntimeError("mla-lab lab ended without an address")


def _tell(question: str, seconds: float, goal: float) -> None:
    missed = "" if seconds <= goal else ", MISSED"
    print(f"  {question}: {seconds:.1f} s (goal: at most {goal}{missed})")
