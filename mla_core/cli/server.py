"""JupyterLab on this machine: how `mla-lab lab` starts it, and the kernel of its first notebook."""

from __future__ import annotations

import os
import secrets
import sysconfig
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mla_core.errors import ConfigError
from mla_core.language import tr
from mla_core.runs.jupyter import encrypted_kernels, spare_the_grammar
from mla_core.runs.places import FIRST_NOTEBOOK

if TYPE_CHECKING:
    from jupyter_server.serverapp import ServerApp


def serve(folder: Path, port: int, further: Sequence[str]) -> None:
    """Serve a folder until it is stopped.

    Started from Python rather than by `jupyter lab --token=...`, so that the token is in no list of
    processes, and so that neither the environment nor a user's configuration can turn it off.
    """
    with spare_the_grammar():
        from jupyterlab.labapp import LabApp
        from tornado.ioloop import IOLoop

    os.environ["JUPYTER_PREFER_ENV_PATH"] = "1"  # this environment's kernel, not a user-wide one
    # A terminal in JupyterLab finds `mla-lab`, whether or not the environment is active.
    os.environ["PATH"] = os.pathsep.join(
        [sysconfig.get_path("scripts"), os.environ.get("PATH", os.defpath)]
    )
    token = os.environ.pop("JUPYTER_TOKEN", "").strip() or secrets.token_hex(24)
    server = LabApp.initialize_server(
        [
            "--ServerApp.ip=127.0.0.1",
            f"--ServerApp.port={port}",
            "--ServerApp.port_retries=50",
            f"--ServerApp.root_dir={folder}",
            "--ServerApp.answer_yes=True",
            f"--ServerApp.allow_root={hasattr(os, 'geteuid') and os.geteuid() == 0}",
            "--ServerApp.identity_provider_class="
            "jupyter_server.auth.identity.PasswordIdentityProvider",
            f"--IdentityProvider.token={token}",
            f"--PasswordIdentityProvider.token={token}",
            f"--LabApp.default_url=/lab/tree/{FIRST_NOTEBOOK.as_posix()}",
            *(f"--KernelManager.{name}={value}" for name, value in encrypted_kernels().items()),
            *further,
        ]
    )
    if not server.identity_provider.token:
        msg = tr("JupyterLab would run without a token: not started")
        raise ConfigError(msg)
    # No look at every page, with node, whether extensions should be built anew: it takes a second.
    server.web_app.settings["page_config_data"]["buildCheck"] = False
    server.identity_provider.token_generated = True  # so that the address is printed with it
    if server.port != port:
        told = tr(
            "Port {port} is busy: JupyterLab is on port {instead} instead.",
            port=port,
            instead=server.port,
        )
        print(told, flush=True)
    IOLoop.current().add_callback(_warm_up, server)
    server.start()


async def _warm_up(server: ServerApp) -> None:
    """Start the kernel of the notebook that is opened, and import there what it will import.

    The page takes seconds to load, and finds the kernel of its notebook by the path. Whatever
    fails here is tried again when the page asks.
    """
    path = FIRST_NOTEBOOK.as_posix()
    sessions = server.session_manager
    try:
        if await sessions.session_exists(path=path):
            return
        session = await sessions.create_session(
            path=path, name=FIRST_NOTEBOOK.name, type="notebook", kernel_name="python3"
        )
        client: Any = server.kernel_manager.get_kernel(session["kernel"]["id"]).client()
        client.start_channels(stdin=False, hb=False)
        client.execute("import widgets", silent=True)
        await client.get_shell_msg(timeout=60)
        client.stop_channels()
    except Exception:  # the page can do without
        told = tr("The first notebook's kernel was not started ahead.")
        server.log.warning(told, exc_info=True)
