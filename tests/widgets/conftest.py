import pytest

import mla_core as mla


@pytest.fixture
def session() -> mla.TrainingSession:
    """Three modalities, a few dozen sub-steps an epoch, a look at the probe set every fifth."""
    options = {"sizes": [160, 60, 60], "classes": 4}
    config = mla.ExperimentConfig(
        dataset="gaussian", dataset_options=options, epochs=3, evaluate_every=5, batch_size=32
    )
    return mla.TrainingSession(config)
