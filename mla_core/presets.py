"""Settings that go together, by a name."""

from __future__ import annotations

from typing import Any

from mla_core.config import ExperimentConfig
from mla_core.language import later

HOW_TO_PREDICT: dict[str, dict[str, Any]] = {
    later("live weights"): {
        "averaging": 0.0,
        "temperature": "none",
        "fusion": "entropy",
        "stopping": "last",
    },
    later("averaged, calibrated"): {
        "averaging": 3.0,
        "temperature": "fitted",
        "fusion": "product",
        "stopping": "best_nll",
    },
}
"""What predicts, and when, for any method; none of it decides how training goes."""


def recommended(**changes: Any) -> ExperimentConfig:
    """Return the configuration to begin with: alternation, averaged and calibrated.

    One modality per sub-step and one shared head, whose gradient is left as it is; predictions by
    weights averaged over about three epochs, a temperature for each modality fitted on the probe
    set, and the product of experts; the epoch with the smallest negative log-likelihood there.

    Parameters
    ----------
    **changes
        Other settings, such as ``dataset="emoji"``; ``method="ensemble"`` is the control.

    Examples
    --------
    >>> config = recommended(dataset="gaussian", epochs=5)
    >>> config.method, config.head_gradient, config.averaging, config.fusion
    ('mla', 'off', 3.0, 'product')
    """
    settings = {"method": "mla", "head_gradient": "off", **HOW_TO_PREDICT["averaged, calibrated"]}
    return ExperimentConfig(**settings | changes)


def settings_of(name: str, config: ExperimentConfig) -> dict[str, Any]:
    """Return the settings of that name in `HOW_TO_PREDICT`; for any other name, the configuration's.

    Examples
    --------
    >>> settings_of("live weights", recommended())["fusion"]
    'entropy'
    """
    own = {field: getattr(config, field) for field in HOW_TO_PREDICT["live weights"]}
    return HOW_TO_PREDICT.get(name, own)


def how_it_predicts(config: ExperimentConfig) -> str | None:
    """Return which of `HOW_TO_PREDICT` a configuration follows, None where it is none of them.

    Examples
    --------
    >>> how_it_predicts(ExperimentConfig()), how_it_predicts(recommended())
    ('live weights', 'averaged, calibrated')
    """
    for name, settings in HOW_TO_PREDICT.items():
        if all(getattr(config, field) == value for field, value in settings.items()):
            return name
    return None
