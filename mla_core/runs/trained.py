"""The network of a finished run, to predict with."""

from __future__ import annotations

from pathlib import Path

from mla_core.catalogue import method_class
from mla_core.checksums import check_sum
from mla_core.config import ExperimentConfig
from mla_core.containers import read_safetensors
from mla_core.data import MultimodalDataset
from mla_core.errors import DataError
from mla_core.methods import Method
from mla_core.results import ANEW
from mla_core.runs.finished import Run, read_run
from mla_core.runs.same_data import data_of_run, refuse_other, short

WEIGHTS = "model.safetensors"


def trained(
    run: Run | str | Path, data: MultimodalDataset | None = None
) -> tuple[Method, MultimodalDataset]:
    """Return the network of a finished run, as it was reported, and the data that it was trained on.

    It predicts with everything that predicted then: the weights of the epoch that was reported,
    averaged where they were, and the temperatures.

    Parameters
    ----------
    run : Run, str or Path
        Or its folder.
    data : MultimodalDataset, optional
        What it was trained on, where the configuration alone does not say so.

    Raises
    ------
    ConfigError
        When the data are others by now, or the configuration names code that nobody has allowed.
    DataError
        When a file is missing, damaged, or of another network.

    Examples
    --------
    >>> from mla_core import run_experiment
    >>> config = ExperimentConfig(dataset="gaussian", epochs=1)
    >>> method, data = trained(run_experiment(config, getfixture("tmp_path")))
    >>> method.predict(data.split("test")).fused.shape
    torch.Size([1000, 10])
    """
    run = run if isinstance(run, Run) else read_run(run)
    path = run.folder / WEIGHTS
    config = ExperimentConfig.from_dict(run.config.to_dict())  # from here on, its code may run
    check_sum(run.folder, WEIGHTS, ANEW)
    weights, _ = read_safetensors(path, ANEW)
    if data is None:
        data = data_of_run(run)
    else:
        now = short(data)
        refuse_other(f"the run {str(run.folder)!r}", str(run.metrics.get("data", now)), now)
    method: Method = method_class(config.method)(config, data.modalities, len(data.classes))
    try:
        method.load_weights(weights)
    except (RuntimeError, ValueError, KeyError) as error:
        why = " ".join(str(error).split())[:200]
        msg = f"{str(path)!r} is of another network ({why}): {ANEW}"
        raise DataError(msg) from error
    return method, data
