"""Predict, then reveal."""

from widgets.questions.answers import Later, NotYet, working
from widgets.questions.once_trained import once_trained
from widgets.questions.question import predict
from widgets.questions.reveals import Told, fused_change, least_gained, weakest_modality
from widgets.questions.training import train_in_background

__all__ = [
    "Later",
    "NotYet",
    "Told",
    "fused_change",
    "least_gained",
    "once_trained",
    "predict",
    "train_in_background",
    "weakest_modality",
    "working",
]
