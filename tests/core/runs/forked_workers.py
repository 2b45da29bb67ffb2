"""For the nannies of a cluster: its workers are forked from a server that has imported the lab.

A worker that is begun anew imports torch, and scikit-learn for a run's end: seconds each time.
"""

from distributed.utils import get_mp_context

LOADED = (
    "distributed",
    "mla_core.runs.attempts",
    "mla_core.runs.notebook",
    "sklearn.linear_model",  # what is told of a run at its end
    "sklearn.manifold",
)

get_mp_context().set_forkserver_preload(list(LOADED))
