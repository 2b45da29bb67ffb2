"""How to train: one file per method behind one protocol."""

from mla_core.catalogue import METHODS, method_class
from mla_core.methods.alternating import Alternating
from mla_core.methods.balance import cross_entropies, gradients_of, leads, scores
from mla_core.methods.base import Method, Position, Prediction, load_state
from mla_core.methods.conflict import encoder_cosines
from mla_core.methods.follow import follow
from mla_core.methods.heads import OwnHeads, linear
from mla_core.methods.instruments import Instrument, Sight, looked_at
from mla_core.methods.joint import Joint
from mla_core.methods.one_at_a_time import OneAtATime
from mla_core.methods.route import Place, Route
from mla_core.methods.schedule import Batch
from mla_core.methods.shapley import Answers, shapley_values, subset_accuracies
from mla_core.methods.team import CUTS, Call, Team, meet, owners
from mla_core.methods.turn import Turn

register = METHODS.register

__all__ = [
    "CUTS",
    "METHODS",
    "Alternating",
    "Answers",
    "Batch",
    "Call",
    "Instrument",
    "Joint",
    "Method",
    "OneAtATime",
    "OwnHeads",
    "Place",
    "Position",
    "Prediction",
    "Route",
    "Sight",
    "Team",
    "Turn",
    "cross_entropies",
    "encoder_cosines",
    "follow",
    "gradients_of",
    "leads",
    "linear",
    "load_state",
    "looked_at",
    "meet",
    "method_class",
    "owners",
    "register",
    "scores",
    "shapley_values",
    "subset_accuracies",
]
