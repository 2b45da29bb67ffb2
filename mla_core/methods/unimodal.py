"""One modality alone: the yardstick for how lazy it is beside others."""

from __future__ import annotations

from mla_core.methods.ensemble import Ensemble


class Unimodal(Ensemble):
    """An ensemble of one: an encoder and a head, trained on one modality.

    Raises
    ------
    ConfigError
        When the data has more than one modality; ``modalities=["audio"]`` chooses one.
    """

    most_modalities = 1
    head_moves_alone = head_travels = True
