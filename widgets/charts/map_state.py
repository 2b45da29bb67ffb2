"""Keeps the map steady from one look to the next: aligned coordinates and calm axes."""

from __future__ import annotations

import math

import numpy as np

from mla_core.evaluation import ALL_EQUAL, NO_PARTS, pca_map, unit_features
from mla_core.language import tr
from mla_core.records import Evaluation
from widgets.charts.map_chart import MapView

SHRINK = 0.97  # axes grow at once and shrink slowly


class MapState:
    """The last coordinates of each kind of map, and the axes' half width.

    Attributes
    ----------
    views : dict of str to MapView
        The last view of each kind, ``"pca"`` and ``"umap"``.
    """

    def __init__(self) -> None:
        self._coords: dict[str, np.ndarray] = {}
        self._half_width: dict[str, float] = {}
        self.views: dict[str, MapView] = {}

    def pca(
        self, evaluation: Evaluation, meanwhile: str = "", reference: np.ndarray | None = None
    ) -> MapView:
        """Return the PCA of a look, turned to match the last one, or `reference` (K, 2).

        `meanwhile` is added to its caption.
        """
        points = unit_features(evaluation)
        before = self._coords.get("pca") if reference is None else reference
        coords = pca_map(points, before)
        told = tr("PCA, aligned; {kept}", kept=_kept(points, coords))
        return self.keep("pca", coords, told + meanwhile)

    def keep(self, kind: str, coords: np.ndarray, caption: str) -> MapView:
        """Remember new coordinates (K, 2) and return the view of them, centred."""
        self._coords[kind] = coords
        shown = coords - (coords.max(0) + coords.min(0)) / 2 if len(coords) else coords
        needed = 1.08 * float(np.abs(shown).max(initial=0.0))
        width = max(needed, SHRINK * self._half_width.get(kind, 0.0), 1e-6)
        self._half_width[kind] = width
        self.views[kind] = MapView(kind, shown, width, caption)
        return self.views[kind]

    def previous(self, kind: str) -> np.ndarray | None:
        """Return the last coordinates of this kind of map."""
        return self._coords.get(kind)


def umap_caption(trust: float, step: int) -> str:
    """Return what must stand under a UMAP; it has no trustworthiness where all points are equal."""
    told = tr(ALL_EQUAL) if math.isnan(trust) else tr("trustworthiness {trust:.2f}", trust=trust)
    return tr("UMAP, recomputed at sub-step {step}; {told}", step=step, told=told)


def _kept(points: np.ndarray, coords: np.ndarray) -> str:
    if not len(points):
        return tr(NO_PARTS)
    if not np.ptp(points, 0).any():
        return tr(ALL_EQUAL)
    share = float(coords.var(0).sum()) / float(points.var(0).sum())
    return tr("keeps {share:.0%} of variance", share=share)
