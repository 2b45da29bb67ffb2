"""The explorer of fusion at test time."""

from widgets.fusion.explorer import FusionExplorer, explore_fusion
from widgets.fusion.report import FusionReport

__all__ = [
    "FusionExplorer",
    "FusionReport",
    "explore_fusion",
]
