"""How to train: one file per method behind one protocol."""

from mla_core.catalogue import METHODS, method_class
from mla_core.methods.alternating import Alternating
from mla_core.methods.balance import cross_entropies, gradients_of, leads, scores
from mla_core.methods.base import Method, Position, Prediction, load_state
from mla_core.methods.follow import follow
from mla_core.methods.heads import OwnHeads, linear
from mla_core.methods.joint import Joint
from mla_core.methods.one_at_a_time import OneAtATime
from mla_core.methods.route import Place, Route
from mla_core.methods.schedule import Batch
from mla_core.methods.shapley import shapley_values
from mla_core.methods.team import CUTS, Call, Team, meet, owners
from mla_core.methods.turn import Turn

register = METHODS.register

__all__ = [
    "CUTS",
    "METHODS",
    "Alternating",
    "Batch",
    "Call",
    "Joint",
    "Method",
    "OneAtATime",
    "OwnHeads",
    "Place",
    "Position",
    "Prediction",
    "Route",
    "Team",
    "Turn",
    "cross_entropies",
    "follow",
    "gradients_of",
    "leads",
    "linear",
    "load_state",
    "meet",
    "method_class",
    "owners",
    "register",
    "scores",
    "shapley_values",
]
