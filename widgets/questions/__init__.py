"""Predict, then reveal."""

from widgets.questions.question import predict
from widgets.questions.reveals import Told, fused_change, most_gained, weakest_modality

__all__ = [
    "Told",
    "fused_change",
    "most_gained",
    "predict",
    "weakest_modality",
]
