"""A real JupyterLab on this machine, and a page that works in it.

`LiveLab` starts `jupyter lab` as a child process, cut off from the user's own settings, and ends
it with everything it started. `LabPage` opens notebooks in it, runs them and listens for errors.

Together::

    with chromium() as browser, LiveLab(["01.ipynb"]) as lab, LabPage.new(browser, lab) as page:
        page.open("01.ipynb")
        page.run_all()
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
import uuid
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from tests.browser.guard import STOP_SECONDS

if TYPE_CHECKING:  # whoever has no browser is told so without it
    from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Dialog, Locator, Page

GUARD = Path(__file__).with_name("guard.py")
START_SECONDS = 120
WIDTH, HEIGHT = 1400, 1000  # of a page, in pixels
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

# Console errors of JupyterLab and anywidget themselves, as (pattern, reason). Anything else fails a test.
HARMLESS: tuple[tuple[str, str], ...] = (
    (
        r"\[anywidget\] Failed to initialize model\.",
        "said of a widget whose script took more than two seconds to load, and which is shown all the same",
    ),
)


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
    url, token
        Where it answers, without a slash at the end, and what it asks for.
    spared
        The ids of kernels that `reset` leaves alone.
    """

    def __init__(self, notebooks: Iterable[str | Path] = ()) -> None:
        self._home = Path(tempfile.mkdtemp(prefix="live-lab-"))
        self.root = self._home / "root"
        self.root.mkdir()
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

        Nobody waits for a kernel's end, so its session is called otherwise first: whoever opens its
        notebook meanwhile would be given that kernel.
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
        folder = self._home / "config" / "lab" / "user-settings"
        shutil.rmtree(folder, ignore_errors=True)
        for plugin, settings in QUIET_SETTINGS.items():
            path = folder / f"{plugin}.jupyterlab-settings"
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


# -------------------------------------------------------------------------------------- the page

# The commands are the ones behind JupyterLab's own menus and keys; their promises tell when the
# cells have run, which no picture on the screen does reliably.
_RUN = """async ([command, seconds]) => {
    const late = new Promise((_, no) => setTimeout(
        () => no(new Error(`${command} did not end within ${seconds} s`)), seconds * 1000));
    await Promise.race([window.jupyterapp.commands.execute(command), late]);
}"""
_ACTIVATE = """(index) => {
    const notebook = window.jupyterapp.shell.currentWidget.content;
    notebook.activeCellIndex = index;
    notebook.deselectAll();
}"""
_IS_IDLE = """() => {
    const panel = window.jupyterapp?.shell?.currentWidget;
    return panel?.context?.isReady && panel.sessionContext?.session?.kernel?.status === "idle";
}"""
_ERRORS = """() => window.jupyterapp.shell.currentWidget.content.widgets.flatMap((cell, index) =>
    (cell.model.sharedModel.outputs ?? []).filter((output) => output.output_type === "error")
        .map((output) => `cell ${index}: ${output.ename}: ${output.evalue}`))"""


class LabPage:
    """One `page` of Playwright's with JupyterLab in it.

    Attributes
    ----------
    console_errors
        What the page reported as an error so far, JupyterLab's own harmless noise left out.
    dialogs
        What scripts of the page asked in a dialog so far; each was dismissed.
    """

    def __init__(self, page: Page, lab: LiveLab) -> None:
        self.page = page
        self.lab = lab
        self.console_errors: list[str] = []
        self.dialogs: list[str] = []
        page.on("dialog", self._on_dialog)
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self._note(f"page error: {error}"))

    @classmethod
    def begin(
        cls,
        browser: Browser | BrowserContext,
        lab: LiveLab,
        width: int = WIDTH,
        height: int = HEIGHT,
    ) -> Self:
        """Open an empty page; in a context it shares what the pages before have compiled."""
        page = browser.new_page()
        page.set_viewport_size({"width": width, "height": height})
        page.context.set_default_timeout(60_000)  # ms; two workers and a map share two cores
        return cls(page, lab)

    @classmethod
    @contextlib.contextmanager
    def new(
        cls,
        browser: Browser | BrowserContext,
        lab: LiveLab,
        width: int = WIDTH,
        height: int = HEIGHT,
    ) -> Iterator[Self]:
        """Begin a page; afterwards close it, its kernels and its settings."""
        begun = cls.begin(browser, lab, width, height)
        others = [one for one in begun.page.context.pages if one is not begun.page]
        try:
            yield begun
        finally:
            for one in begun.page.context.pages:
                if one not in others:
                    one.close()
            lab.reset()

    def open(self, notebook: str, seconds: float = 120) -> None:
        """Open a notebook of the lab in a workspace of its own, and wait for its kernel."""
        workspace = f"test-{uuid.uuid4().hex}"
        self.page.goto(
            f"{self.lab.url}/lab/workspaces/{workspace}/tree/{notebook}?token={self.lab.token}"
        )
        self.page.get_by_role("main").locator(".jp-NotebookPanel").wait_for(timeout=seconds * 1000)
        self.wait_until_idle(seconds)

    def run_all(self, seconds: float = 240) -> None:
        """Run every cell, wait until the kernel is idle, and raise `LabError` if a cell failed."""
        self._run("notebook:run-all-cells", seconds)

    def run_cell(self, index: int, seconds: float = 120) -> Locator:
        """Run one cell, counted from 0 with Markdown cells, and return it."""
        self.page.evaluate(_ACTIVATE, index)
        self._run("notebook:run-cell", seconds)
        return self.cell(index)

    def cell(self, index: int) -> Locator:
        """Return the cell at this place, counted from 0 with Markdown cells."""
        return self.page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Cell").nth(index)

    def wait_until_idle(self, seconds: float = 120) -> None:
        """Wait until the notebook is loaded and its kernel has nothing to do."""
        self.page.wait_for_function(_IS_IDLE, timeout=seconds * 1000)

    def theme(self, name: str) -> None:
        """Change JupyterLab's theme to "light" or "dark"; to the one that it has, nothing is drawn anew."""
        if name not in ("light", "dark"):
            raise ValueError(f"theme must be 'light' or 'dark', not {name!r}")
        is_light = str(name == "light").lower()
        wanted = self.page.locator(f"body[data-jp-theme-light='{is_light}']")
        if wanted.count() == 0:
            self.page.evaluate(
                "(theme) => window.jupyterapp.commands.execute('apputils:change-theme', {theme})",
                f"JupyterLab {name.capitalize()}",
            )
            wanted.wait_for(state="attached")

    def screenshot(self, path: str | Path) -> Path:
        """Save a picture of the page as it is seen."""
        self.page.screenshot(path=path)  # with the folders above it
        return Path(path)

    def _run(self, command: str, seconds: float) -> None:
        self.page.evaluate(_RUN, [command, seconds])
        self.wait_until_idle(seconds)
        if errors := self.page.evaluate(_ERRORS):
            raise LabError("; ".join(errors))

    def _on_dialog(self, dialog: Dialog) -> None:
        if dialog.type == "beforeunload":
            dialog.accept()
            return
        self.dialogs.append(dialog.message)
        dialog.dismiss()

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self._note(f"{message.text} ({message.location.get('url', '')})")

    def _note(self, text: str) -> None:
        if not any(re.search(pattern, text) for pattern, _ in HARMLESS):
            self.console_errors.append(text)
