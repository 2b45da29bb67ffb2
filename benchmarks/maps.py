"""What does a UMAP gain from being told the nearest neighbours?"""

from unittest.mock import patch

import numpy as np

from benchmarks.timing import paired, report
from mla_core.evaluation import maps, pca_map, umap_map

POINTS = (300, 900, 3000)
FEATURES = 128
PAIRS = 5


def main() -> None:
    for count in POINTS:
        points = np.random.default_rng(0).normal(size=(count, FEATURES)).astype(np.float32)
        before = pca_map(points)

        def told(points: np.ndarray = points, before: np.ndarray = before) -> np.ndarray:
            return umap_map(points, before)

        def alone(points: np.ndarray = points, before: np.ndarray = before) -> np.ndarray:
            with patch.object(maps, "_nearest", lambda *_: (None, None, None)):
                return umap_map(points, before)

        pairs = paired(told, alone, PAIRS)
        report(f"UMAP of {count} points that is told / that compares all pairs", pairs, "none set")
