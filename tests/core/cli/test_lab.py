"""`mla-lab lab`: what it lays out, what it leaves alone, and how it starts JupyterLab."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import NamedTuple

import psutil
import pytest
from jupyter_client import BlockingKernelClient

from mla_core import ConfigError
from mla_core.cli import lab, main
from mla_core.runs.places import FIRST_NOTEBOOK, find_runs, lab_folder
from tests import ROOT

FIRST = FIRST_NOTEBOOK.as_posix()


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    """Ship from a copy, which a test may change as a newer version would."""
    root = tmp_path / "shipped"
    for name in lab.shipped_files():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, root / name)
    monkeypatch.setattr(lab, "shipped", lambda: root)
    return root


def test_everything_the_notebooks_read_is_laid_out(tmp_path):
    assert lab.lay_out(tmp_path / "new") == []
    for name in (FIRST, "experiments/quick.toml", "results/table1.csv", "results/table1.json"):
        assert (tmp_path / "new" / name).read_bytes() == (ROOT / name).read_bytes()
    assert lab_folder(tmp_path / "new" / "notebooks") == tmp_path / "new"


def test_a_newer_version_updates_what_nobody_changed_and_keeps_the_rest(shipped, tmp_path, capsys):
    folder, second = tmp_path / "lab", "notebooks/02_head_gradient_modification.ipynb"
    lab.lay_out(folder)
    (folder / FIRST).write_text("mine")
    (folder / "notebooks" / "own.ipynb").write_text("own")
    for name in (FIRST, second):
        (shipped / name).write_text("newer")
    assert lab.lay_out(folder) == [FIRST]
    assert (folder / FIRST).read_text() == "mine"
    assert (folder / second).read_text() == "newer"
    assert (folder / "notebooks" / "own.ipynb").read_text() == "own"
    (folder / second).write_text("mine, too")
    assert lab.lay_out(folder) == [FIRST, second]


def test_a_file_that_was_there_before_is_kept(shipped, tmp_path):
    place = tmp_path / "lab" / FIRST
    place.parent.mkdir(parents=True)
    place.write_text("of an older version, or somebody's own")
    assert lab.lay_out(tmp_path / "lab") == [FIRST]
    (tmp_path / "lab" / FIRST).unlink()
    assert lab.lay_out(tmp_path / "lab") == []


def test_a_checkout_is_left_as_it_is(monkeypatch):
    before = {path: path.stat().st_mtime_ns for path in ROOT.glob("*/*.*")}
    assert lab.lay_out(ROOT) == []
    assert before == {path: path.stat().st_mtime_ns for path in ROOT.glob("*/*.*")}
    assert not (ROOT / lab.NOTE).exists()


@pytest.mark.parametrize(
    ("words", "where"), [([], "mla-lab"), (["own"], "own"), (["--port", "9000", "a"], "a")]
)
def test_it_serves_the_folder_and_says_what_it_kept(words, where, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    served = []
    monkeypatch.setattr(lab, "serve", lambda *given: served.append(given))
    command = ["lab", *words, "--no-browser", "--ServerApp.allow_remote_access=True"]
    assert main(command) == 0
    assert capsys.readouterr().out == ""
    (tmp_path / where / FIRST).write_text("mine")
    monkeypatch.chdir(tmp_path / where / "notebooks")
    assert main([word for word in command if word != where]) == 0  # the lab that one is in
    assert f"Kept as you changed them: {FIRST}." in capsys.readouterr().out
    further = ["--no-browser", "--ServerApp.allow_remote_access=True"]
    port = 9000 if "9000" in words else 8888
    assert served == [(tmp_path / where, port, further)] * 2


@pytest.mark.parametrize("port", ["0", "65536", "-1", "many", "8.5"])
def test_a_port_that_is_none_is_named(port, capsys):
    with pytest.raises(SystemExit) as left:
        main(["lab", f"--port={port}"])
    assert left.value.code == 2
    assert f"from 1 to 65535, not '{port}'" in capsys.readouterr().err


def test_a_folder_that_cannot_be_made_is_named(tmp_path, capsys):
    (tmp_path / "file").touch()
    assert main(["lab", str(tmp_path / "file")]) == 2
    assert "cannot write" in capsys.readouterr().err


class Served(NamedTuple):
    """A server that `mla-lab lab` started for real."""

    folder: Path
    process: psutil.Process
    address: str

    def ask(self, address):
        """Return the answer; the address is printed before anybody listens there."""
        deadline = time.monotonic() + 60
        while True:
            try:
                return urllib.request.urlopen(address)
            except urllib.error.URLError:
                assert time.monotonic() < deadline, "it does not answer"
                time.sleep(0.1)


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    folder = tmp_path_factory.mktemp("served")
    own = {"ServerApp": {"tornado_settings": {"headers": {"X-Own": "yes"}}}}
    (folder / "jupyter_server_config.json").write_text(json.dumps(own))
    code = "import sys; from mla_core.cli import main; sys.exit(main())"
    command = [sys.executable, "-c", code, "lab", str(folder), "--no-browser", "--port", "18888"]
    env = os.environ | {"JUPYTER_TOKEN": "0123abcd", "JUPYTER_RUNTIME_DIR": str(folder / "run")}
    env["JUPYTER_CONFIG_DIR"] = str(folder)
    with subprocess.Popen(command, env=env, stderr=subprocess.PIPE, text=True) as server:
        try:
            found = (re.search(r"http://127\.0\.0\.1:\d+/\S+", line) for line in server.stderr)
            address = next(filter(None, found)).group()
            yield Served(folder, psutil.Process(server.pid), address)
        finally:
            server.terminate()
            server.stderr.read()


def test_the_token_is_in_the_address_alone(served):
    seen = " ".join(served.process.cmdline())
    assert f"/lab/tree/{FIRST}?token=0123abcd" in served.address
    assert str(served.folder) in seen
    assert "0123abcd" not in seen


def test_a_page_asks_for_no_build_and_the_users_own_settings_hold(served):
    page = served.ask(served.address)
    assert page.headers["X-Own"] == "yes"
    assert '"buildCheck": false' in page.read().decode()


def test_the_first_notebook_finds_its_kernel_started_and_its_imports_done(served):
    deadline, found = time.monotonic() + 60, []
    while not found:
        assert time.monotonic() < deadline, "no kernel was started"
        time.sleep(0.1)
        sessions = served.address.replace(f"lab/tree/{FIRST}", "api/sessions")
        found = json.load(served.ask(sessions))
    kernel = found[0]["kernel"]["id"]
    client = BlockingKernelClient()
    client.load_connection_file(str(served.folder / "run" / f"kernel-{kernel}.json"))
    client.start_channels()
    asked = "'widgets' in __import__('sys').modules, In"
    seen = ""
    while not seen.startswith("(True"):  # our question may come before the server's own
        assert time.monotonic() < deadline, f"nothing was imported: {seen}"
        answer = client.execute("", user_expressions={"loaded": asked}, reply=True, timeout=60)
        seen = answer["content"]["user_expressions"]["loaded"]["data"]["text/plain"]
    client.stop_channels()
    assert [session["path"] for session in found] == [FIRST]
    assert "import widgets" not in seen, "what was imported ahead is in no history"


def test_runs_are_found_from_the_notebooks_folder(tmp_path, monkeypatch):
    (tmp_path / FIRST).parent.mkdir()
    (tmp_path / FIRST).touch()
    (tmp_path / "notebooks" / "deep").mkdir()
    monkeypatch.chdir(tmp_path / "notebooks" / "deep")
    with pytest.raises(ConfigError) as refused:
        find_runs("runs")
    for place in ("notebooks/deep/runs", "notebooks/runs", "runs"):
        assert repr(str(tmp_path / place)) in str(refused.value)
    (tmp_path / "runs").mkdir()
    assert find_runs("runs").resolve() == tmp_path / "runs"
    (tmp_path / "notebooks" / "deep" / "runs").mkdir()
    assert str(find_runs("runs")) == "runs"
    with pytest.raises(ConfigError, match="no folder"):
        find_runs(tmp_path / "nowhere")
