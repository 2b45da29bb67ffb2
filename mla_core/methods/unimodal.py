"""One modality alone: the yardstick for how lazy it is beside others."""

from __future__ import annotations

from collections.abc import Mapping

from torch import nn

from mla_core.config import ExperimentConfig
from mla_core.data.samples import Modality
from mla_core.errors import ConfigError
from mla_core.methods.ensemble import Ensemble


class Unimodal(Ensemble):
    """An ensemble of one: an encoder and a head, trained on one modality.

    Raises
    ------
    ConfigError
        When the data has more than one modality; ``modalities=["audio"]`` chooses one.
    """

    def __init__(
        self,
        config: ExperimentConfig,
        modalities: Mapping[str, Modality],
        n_classes: int,
        modules: Mapping[str, nn.Module] | None = None,
    ) -> None:
        if len(modalities) != 1:
            names = list(modalities)
            msg = (
                f"method 'unimodal' trains one modality, but the data has {names}: "
                f"choose one with modalities=[{names[0]!r}], or use method 'ensemble'"
            )
            raise ConfigError(msg)
        super().__init__(config, modalities, n_classes, modules)
