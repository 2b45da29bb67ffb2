"""The run so far as a page beside the notebook, which needs no kernel."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from mla_core.language import tr
from mla_core.tandem import Tandem
from widgets.export import export_session


def saving(tandem: Tandem) -> tuple[Callable[[], Tandem], str, str]:
    """Return what `Player.replace` needs to write the first run, and go on with both.

    Parameters
    ----------
    tandem : Tandem
    """
    session, config = tandem.trunk, tandem.trunk.config
    name = f"{config.dataset}-{config.method}-seed{config.seed}-step{session.step}.html"
    path = Path(name).resolve()

    def write() -> Tandem:
        export_session(session, path)
        return tandem

    done = tr(
        "The run so far is in {path}: open it with your browser (JupyterLab asks to trust it)",
        path=path,
    )
    return write, tr("Writing the page …"), done
