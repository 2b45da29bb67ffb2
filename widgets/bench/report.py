"""The bench on paper: static pictures of a finished run, for headless notebooks."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path

from IPython.display import HTML, display

from mla_core.config import ExperimentConfig
from mla_core.data import MultimodalDataset
from mla_core.evaluation import UMAP_LEAST, Replay, trustworthiness, umap_map, unit_features
from mla_core.language import tr
from mla_core.runs import train
from mla_core.session import TrainingSession
from widgets.bench import diagram
from widgets.bench.lab import TrainingLab
from widgets.charts import MapState, legend_html, map_figure, run_of, umap_caption
from widgets.charts import sample as sample_view
from widgets.charts import training as charts
from widgets.charts.panels import watched
from widgets.gap import view_for_page
from widgets.page import (
    asset,
    describe_training,
    on_page,
    present,
    tell_what_needs_a_kernel,
    text,
)


class TrainingReport:
    """What the bench shows of a finished session: diagram, curves, both maps, one sample.

    Parameters
    ----------
    session : TrainingSession

    Attributes
    ----------
    figures : list of Figure
        The curves; on paper also the PCA, and the UMAP, if there are points enough.
    """

    def __init__(self, session: TrainingSession) -> None:
        self.session = session
        evaluation = session.history.latest
        assert evaluation is not None  # noqa: S101 - made with the session
        self._evaluation = evaluation
        maps = MapState()
        self._run = run_of(session)
        curves = charts.figure_of(list(session.data.modalities), self._run)
        points = unit_features(evaluation)
        enough = len(points) >= UMAP_LEAST
        few = "" if enough else tr("; a UMAP needs {least} points", least=UMAP_LEAST)
        pca = maps.pca(evaluation, few)
        curves.update_layout(meta=describe_training(session.history, pca.caption))
        self.figures = [curves]
        if on_page():
            return  # where both maps are one that is alive
        self.figures.append(map_figure(evaluation, pca))
        if enough:
            coords = umap_map(points, seed=session.config.seed)
            caption = umap_caption(trustworthiness(points, coords), evaluation.step)
            view = maps.keep("umap", coords, caption)
            self.figures.append(map_figure(evaluation, view))

    def _ipython_display_(self) -> None:
        tell_what_needs_a_kernel(tr("To press Play and to change settings while it trains"))
        session, config = self.session, self.session.config
        names = list(session.data.modalities)
        svg = diagram.network_svg(names, self._run)
        # As a picture: JupyterLab shows no bare SVG from a notebook that it did not run itself.
        encoded = b64encode(svg.encode()).decode()
        alt = text(tr("the network at the end"))
        picture = f"<img alt='{alt}' src='data:image/svg+xml;base64,{encoded}'>"
        display(HTML(picture))
        style = f"<style>{asset('bench/moment_slider.css')}</style>"
        display(HTML(f"{style}{legend_html(names, instruments=watched(config))}"))
        curves, *maps = self.figures
        present(curves)
        if not maps:  # on a page that is alive
            replay = Replay.of(session.recording.evaluations, session.data.classes)
            display(view_for_page(replay, session.data.media))
        for figure in maps:
            present(figure)
        sample = self._evaluation.ids[0]
        display(
            HTML(
                sample_view.sample_html(
                    session.data, self._evaluation, sample, config.method, config.fusion
                )
            )
        )


def open_lab(
    config: ExperimentConfig,
    *,
    data: MultimodalDataset | None = None,
    headless: bool = False,
    run_folder: str | Path = "",
) -> TrainingLab | TrainingReport:
    """Return the live bench, or, headless, train to the end and return a report.

    Parameters
    ----------
    config : ExperimentConfig
    data : MultimodalDataset, optional
        Instead of the one that `config` names.
    headless : bool
    run_folder : str or Path
        Headless only: where checkpoints and results are written; empty means nowhere.
    """
    if not headless:
        return TrainingLab(config, data=data)
    folder = Path(run_folder) if str(run_folder) else None
    return TrainingReport(train(config, folder, data=data, progress=True))
