"""The browser of runs: tick some, see their curves, maps and settings beside each other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import ipywidgets as ipw
import plotly.graph_objects as go
from IPython.display import HTML, display

from mla_core.errors import OURS, ConfigError, in_a_sentence
from mla_core.language import later, tr
from mla_core.runs import Run, find_runs, read_all_runs
from mla_core.words import counted, sentence, sentences
from widgets.export import export_run
from widgets.following import RunWatch
from widgets.page import StatusLine, figure_bundles, notebook_loop, per_cell, present, text
from widgets.runs.comparison import curves_figure, differences_html, maps_figure, read_all
from widgets.runs.table import LETTERS, RunTable, table_html

NOTHING_TICKED = later("Tick up to six runs to see their curves and maps beside each other.")


class RunBrowser:
    """Runs in a table; those that are ticked are compared below it, or followed while they train.

    Parameters
    ----------
    folder : str or Path
        Holds run folders, and folders of sweeps. One that is not here is looked for in the folders
        above, up to that of the lab, where the commands write.
    ticked : sequence of str
        Names of runs that are compared at first; headless, empty means the first few.
    headless : bool
        Show table and figures as they are, without buttons.
    pages : str or Path
        Where Export writes its pages.

    Attributes
    ----------
    runs : list of Run
    begun : list of Begun
        Runs that are not finished.
    problems : list of str
        A sentence for each folder that cannot be read.
    table : RunTable
        Live only, as `status`, `view` and the buttons `refresh` and `export`.

    Raises
    ------
    ConfigError
        For a name in `ticked` that is no run, and for a live one outside a notebook.

    Examples
    --------
    >>> browser = RunBrowser(getfixture("tmp_path"), headless=True)
    >>> browser.runs
    []
    """

    def __init__(
        self,
        folder: str | Path = "runs",
        *,
        ticked: Sequence[str] = (),
        headless: bool = False,
        pages: str | Path = ".",
    ) -> None:
        self._asked, self._pages = folder, Path(pages)
        self._headless = headless
        self._folder: Path | None = None  # where runs were found
        self._read()
        self._names = _checked(ticked, self.runs)
        if headless:
            return
        self._loop = notebook_loop(tr("a live RunBrowser"), "RunBrowser(headless=True)")
        self._task: asyncio.Task[None] | None = None
        self._due: list[Callable[[], Any]] = []
        self.table = RunTable(self.runs, self.begun)
        self._watches: dict[str, RunWatch] = {}  # of ticked runs that are not finished
        self.table.ticked = self._names
        self.status = StatusLine()
        self.refresh = _button(tr("Refresh"), "refresh", tr("Read the folder again"))
        self.export = _button(
            tr("Export"), "download", tr("Write each ticked run as one HTML page")
        )
        self._below = ipw.VBox()
        bar = ipw.HBox([self.refresh, self.export])
        self.view = ipw.VBox([bar, self.table, self.status, self._below])
        # Callbacks may run in another thread, and training may be at work in this one.
        self.table.observe(lambda _: self._soon(self._compare), "ticked")
        self.refresh.on_click(lambda _: self._soon(self._reread))
        self.export.on_click(lambda _: self._soon(self._write_pages))
        per_cell.register(self)
        self._soon(self._compare)

    def close(self) -> None:
        """Remove every widget; what is being drawn or written is dropped."""
        if self._headless:
            return
        if self._task is not None:
            self._task.cancel()
        self._follow(())
        bar = self.view.children[0]
        parts = (*self._below.children, self._below, self.refresh, self.export, bar)
        for widget in (*parts, self.table, self.status, self.view):
            widget.close()

    def _ipython_display_(self) -> None:
        if not self._headless:
            display(self.view)
            return
        display(HTML(f"<p>{text(self._told())}</p>"))
        if not self.runs:
            return
        display(HTML(table_html(self.runs)))
        chosen = self._chosen(self._names or [run.name for run in self.runs[: len(LETTERS)]])
        figures, told, problems = _comparison(chosen)
        for figure in figures:
            present(figure)
        display(HTML(f"{told}<p>{text(sentences(*problems))}</p>"))

    # ------------------------------------------------------------ runs on the event loop

    def _soon(self, work: Callable[[], Any]) -> None:
        self._loop.call_soon_threadsafe(self._queue, work)

    def _queue(self, work: Callable[[], Any]) -> None:
        self._due = [one for one in self._due if one != work] + [work]  # the last click counts
        if self._task is None or self._task.done():
            self._task = self._loop.create_task(self._work())

    async def _work(self) -> None:
        while self._due:
            try:
                await self._due.pop(0)()
            except Exception as error:  # noqa: BLE001 - every fault becomes a sentence
                self._say("failed", in_a_sentence(error))

    async def _reread(self) -> None:
        self._say("busy", tr("Reading the folder …"))
        await asyncio.to_thread(self._read)
        self.table.show(self.runs, self.begun)
        await self._compare()

    async def _compare(self) -> None:
        chosen = self._chosen(self.table.ticked)
        self.export.disabled = not chosen
        figures, told, problems = await asyncio.to_thread(_comparison, chosen)
        views = {watch.view for watch in self._watches.values()}
        before = [widget for widget in self._below.children if widget not in views]
        self._follow(self.table.ticked)
        followed = [watch.view for watch in self._watches.values()]
        pictures = [*_on_page(figures), *([ipw.HTML(told)] if told else [])]
        self._below.children = [*pictures, *followed]
        for widget in before:
            widget.close()
        said = [self._told()]
        if chosen:
            said.append(tr("{n} compared.", n=len(chosen)))
        if followed:
            said.append(tr("{n} followed.", n=len(followed)))
        if self.runs and not (chosen or followed):
            said.append(tr(NOTHING_TICKED))
        self._say("ready", sentences(*said, *problems))

    def _follow(self, names: Sequence[str]) -> None:
        """Follow these of the runs that are not finished, and no other."""
        wanted = {one.name: one for one in self.begun if one.name in names}
        for name in [name for name in self._watches if name not in wanted]:
            self._watches.pop(name).close()
        for name, one in wanted.items():
            if name not in self._watches:
                self._watches[name] = RunWatch(one.folder, lambda: self._queue(self._reread))

    async def _write_pages(self) -> None:
        chosen = self._chosen(self.table.ticked)
        written, problems = [], []
        for run in chosen:
            self._say("busy", tr("Writing the page of {run} …", run=run.name))
            path = self._pages / f"{run.name.replace('/', '_')}.html"
            try:
                written.append(await asyncio.to_thread(export_run, run, path))
            except OURS as error:  # the other pages are written
                problems.append(tr("No page of {run}: {fault}.", run=run.name, fault=error))
        pages = ", ".join(f"{path} ({path.stat().st_size / 1e6:.1f} MB)" for path in written)
        told = [tr("Written: {pages}.", pages=pages)] if pages else []
        state = "failed" if problems else "ready"
        self._say(state, sentences(*told, *problems) or tr(NOTHING_TICKED))

    def _say(self, state: str, sentence: str) -> None:
        self.status.say(state, sentence)

    # ---------------------------------------------------------------------- what there is

    def _read(self) -> None:
        try:
            self._folder = find_runs(self._asked)
            self.runs, self.begun, self.problems = read_all_runs(self._folder)
        except ConfigError as error:
            self._folder, self.runs, self.begun, self.problems = None, [], [], [str(error)]

    def _told(self) -> str:
        told = []
        if self._folder is not None:
            runs = counted(len(self.runs), tr("finished run"), tr("finished runs"))
            told.append(tr("{runs} in {folder!r}.", runs=runs, folder=str(self._folder)))
        if not self.runs:
            told.append(tr("Make some: mla-lab run, mla-lab sweep, or mla.run_experiment(config)."))
        left_out = [sentence(f"{problem[0].upper()}{problem[1:]}") for problem in self.problems]
        return sentences(*told, *left_out)

    def _chosen(self, names: Sequence[str]) -> list[Run]:
        known = {run.name: run for run in self.runs}
        return [known[name] for name in names if name in known]


def _comparison(runs: list[Run]) -> tuple[list[go.Figure], str, list[str]]:
    """Return figures, differences as HTML, and sentences about what could not be read."""
    histories, replays, problems = read_all(runs)
    figures = [curves_figure(histories)] if histories else []
    figures += [maps_figure(replays)] if replays else []
    return figures, differences_html(runs), problems


def _on_page(figures: Sequence[go.Figure]) -> list[ipw.Widget]:
    # As data that JupyterLab draws itself: a FigureWidget each would cost megabytes.
    shown: list[ipw.Widget] = []
    for figure in figures:
        bundles = (
            {"output_type": "display_data", "data": data, "metadata": {}}
            for data in figure_bundles(figure)
        )
        shown.append(ipw.Output(outputs=tuple(bundles)))
        shown.append(ipw.HTML(f"<p>{text(figure.layout.meta)}</p>"))
    return shown


def _button(name: str, icon: str, tooltip: str) -> ipw.Button:
    return ipw.Button(description=name, icon=icon, tooltip=tooltip)


def _checked(names: Sequence[str], runs: Sequence[Run]) -> list[str]:
    known = [run.name for run in runs]
    for name in names:
        if name not in known:
            msg = tr(
                "there is no finished run {name!r}: choose among {known}", name=name, known=known
            )
            raise ConfigError(msg)
    if len(names) > len(LETTERS) or len(set(names)) != len(names):
        msg = tr(
            "tick at most {most} runs, each once, not {names}", most=len(LETTERS), names=list(names)
        )
        raise ConfigError(msg)
    return list(names)
