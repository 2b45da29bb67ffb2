"""A real JupyterLab on this machine, and the browser to look at it with.

`LiveLab` starts `jupyter lab` as a child process, cut off from the user's own settings, and ends
it with everything it started. Pages in it are `LabPage`'s.

Together::

    with chromium() as browser, LiveLab(["01.ipynb"]) as lab, LabPage.new(browser, lab) as page:
        page.open("01.ipynb")
        page.run_all()
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from tests.browser.guard import STOP_SECONDS

if TYPE_CHECKING:  # whoever has no browser is told so without it
    from playwright.sync_api import Browser, BrowserContext

GUARD = Path(__file__).with_name("guard.py")
START_SECONDS = 120
ENDED = "ended/"  # what a session is called whose kernel is being shut down

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

# What JupyterLab shows before anybody asked: news, update notices, tips.
QUIET_SETTINGS: dict[str, dict[str, Any]] = {
    "@jupyterlab/apputils-extension/notification": {
        "checkForUpdates": False,
        "doNotDisturbMode": True,
        "fetchNews": "false",
    },
}

# Whoever asks for a UMAP gets one; in a test nobody waits for what begins by itself.
CALM = """
def calm(_):
    import sys
    if follower := sys.modules.get("widgets.bench.map_follower"):
        follower.CALM = 1e6
get_ipython().events.register("pre_run_cell", calm)
del calm
"""


class LabError(RuntimeError):
    """JupyterLab did not start, or a cell ended in an error."""


def find_chromium() -> str | None:
    """Return the path of a Chromium: `$CHROMIUM`, or the first known name on the PATH."""
    names = [os.environ.get("CHROMIUM", ""), *CHROMIUM_NAMES]
    return next((found for name in names if name and (found := shutil.which(name))), None)


@contextlib.contextmanager
def chromium(executable: str | None = None) -> Iterator[Browser]:
    """Start the system's Chromium, headless."""
    from playwright.sync_api import sync_playwright

    executable = executable or find_chromium()
    if executable is None:
        raise LabError(f"no Chromium: looked for $CHROMIUM, {', '.join(CHROMIUM_NAMES)}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=executable, args=list(CHROMIUM_FLAGS), headless=True
        )
        try:
            yield browser
        finally:
            browser.close()


@contextlib.contextmanager
def profile(browser: Browser) -> Iterator[BrowserContext]:
    """Start another Chromium like this one, which keeps what it has compiled as a person's does."""
    with (
        tempfile.TemporaryDirectory() as folder,
        browser.browser_type.launch_persistent_context(
            folder, executable_path=find_chromium(), args=list(CHROMIUM_FLAGS), headless=True
        ) as context,
    ):
        yield context


# ------------------------------------------------------------------------------------ the server


def own_jupyter(home: Path) -> dict[str, str]:
    """Return the caller's environment, with none of the caller's Jupyter: its own is in a folder."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("JUPYTER", "IPYTHON"))}
    return kept | {
        "IPYTHONDIR": str(home / "ipython"),
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "JUPYTER_PREFER_ENV_PATH": "1",  # this environment's kernel and extensions
    }


class LiveLab:
    """`jupyter lab` in a child process, serving copies of notebooks from a temporary folder.

    Parameters
    ----------
    notebooks
        Paths of notebooks to copy into the served folder; `add` copies more later.

    Attributes
    ----------
    root
        The served folder.
    settings
        The folder of what a person has changed in JupyterLab.
    url, token
        Where it answers, without a slash at the end, and what it asks for.
    spared
        The ids of kernels that `reset` leaves alone.
    """

    def __init__(self, notebooks: Iterable[str | Path] = ()) -> None:
        self._home = Path(tempfile.mkdtemp(prefix="live-lab-"))
        self.root = self._home / "root"
        self.root.mkdir()
        self.settings = self._home / "config" / "lab" / "user-settings"
        self.token = secrets.token_hex(24)
        self.url = ""
        self.spared: set[str] = set()
        self._added: list[str | Path] = []
        self._ending: list[threading.Thread] = []
        self._guard: subprocess.Popen[bytes] | None = None
        for notebook in notebooks:
            self.add(notebook)

    def add(self, notebook: str | Path) -> str:
        """Copy a notebook into the served folder and return its name there."""
        self._added.append(notebook)
        return Path(shutil.copy(notebook, self.root)).name

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the server with all its kernels, and remove its folder."""
        for thread in self._ending:
            thread.join()
        if self._guard is not None and self._guard.stdin is not None:
            self._guard.stdin.close()  # the guard's sign to stop everything
            self._guard.wait(2 * STOP_SECONDS)
            self._guard = None
        shutil.rmtree(self._home, ignore_errors=True)

    def reset(self) -> None:
        """Shut down all kernels but those spared, put settings and notebooks back: tests do not meet.

        A kernel takes seconds to end, which nobody waits for: whoever opens its notebook meanwhile
        would be given that kernel, so its session is called otherwise first.
        """
        for session in json.loads(self._request("GET", "api/sessions")):
            if session["path"].startswith(ENDED):
                continue
            path = f"api/sessions/{session['id']}"
            self._request("PATCH", path, {"path": f"{ENDED}{session['id']}"})
            if session["kernel"]["id"] in self.spared:
                continue
            self._ending.append(threading.Thread(target=self._request, args=("DELETE", path)))
            self._ending[-1].start()
        for notebook in self._added:
            shutil.copy(notebook, self.root)
        self._write_settings()

    @property
    def log(self) -> str:
        """What the server has written so far."""
        return (self._home / "log").read_text(encoding="utf-8", errors="replace")

    def _start(self) -> None:
        self._write_settings()
        every_kernel = self._home / "ipython" / "profile_default" / "startup" / "calm.py"
        every_kernel.parent.mkdir(parents=True)
        every_kernel.write_text(CALM, encoding="utf-8")
        command = [
            *(sys.executable, "-m", "jupyterlab"),
            "--no-browser",
            "--ServerApp.ip=127.0.0.1",
            "--ServerApp.port=0",  # any free one; the server writes down which
            f"--ServerApp.root_dir={self.root}",
            f"--ServerApp.allow_root={hasattr(os, 'geteuid') and os.geteuid() == 0}",
            "--LabApp.expose_app_in_browser=True",  # `window.jupyterapp`, for LabPage
            "--LabApp.extension_manager=readonly",  # the other one asks the network
            # No question, with node, whether extensions should be built anew at every page.
            '--ServerApp.tornado_settings={"page_config_data": {"buildCheck": False}}',
        ]
        with (self._home / "log").open("wb") as log:
            self._guard = subprocess.Popen(
                [sys.executable, str(GUARD), *command],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.root,
                env=own_jupyter(self._home) | {"JUPYTER_TOKEN": self.token},
                start_new_session=True,  # Ctrl-C is for the tests; the guard hears of their end
            )
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if self._guard.poll() is not None or time.monotonic() > deadline:
                raise LabError(f"jupyter lab did not start:\n{self.log[-4000:]}")
            time.sleep(0.1)

    def _write_settings(self) -> None:
        shutil.rmtree(self.settings, ignore_errors=True)
        for plugin, settings in QUIET_SETTINGS.items():
            path = self.settings / f"{plugin}.jupyterlab-settings"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(settings), encoding="utf-8")

    def _answers(self) -> bool:
        for info in (self._home / "runtime").glob("jpserver-*.json"):
            # The file may be half written, and the server may not listen yet.
            with contextlib.suppress(OSError, ValueError):
                self.url = json.loads(info.read_text(encoding="utf-8"))["url"].rstrip("/")
                self._request("GET", "api/status")
                return True
        return False

    def _request(self, method: str, path: str, body: Mapping[str, str] | None = None) -> bytes:
        request = urllib.request.Request(
            f"{self.url}/{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"token {self.token}"},
            method=method,
        )
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # never by a proxy
        with direct.open(request, timeout=30) as response:
            answer: bytes = response.read()
        return answer
