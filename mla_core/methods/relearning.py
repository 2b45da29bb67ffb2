"""Diagnosing and re-learning: encoders that fit the training data too well forget a part."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from mla_core.data.samples import Split
from mla_core.errors import TrainingDivergedError
from mla_core.language import later
from mla_core.methods.base import Position
from mla_core.methods.concat import Concat
from mla_core.methods.instruments import Instrument
from mla_core.methods.joint import Joint
from mla_core.methods.schedule import Batch, is_moment
from mla_core.records import StepRecord
from mla_core.seeding import generator
from mla_core.threads import one_blas_thread


class Relearning(Concat):
    """`concat`, with encoders pulled back towards their first weights (Wei et al., ECCV 2024).

    A few times in a run, `times` of them, evenly spread, each modality is diagnosed: its features,
    of train and of val alone, are parted into C clusters by k-means, and the purity of a side is
    the share of samples whose cluster is mostly of their class. With the gap
    ``g_m = |purity_train - purity_val|`` and ``a_m = tanh(strength * g_m)``, the encoder's weights
    become ``(1 - a_m) theta_m + a_m theta_m^0``, ``theta_m^0`` being its first ones; the rule is
    the same for any number of modalities. The head stays, and so does, which is ours to say,
    the optimiser's momentum. Buffers, such as a batch norm's statistics, stay, too.

    A diagnosis passes train and val through every encoder once: `StepRecord.forward_passes`. The
    encoders are pulled back in the first sub-step of the next epoch, so that a look at the end of
    an epoch sees what was learned in it. With ``strength=0`` it is `concat`.

    Attributes
    ----------
    pull : Tensor
        (M,) a_m of the last diagnosis, 0 once it has been done.
    gaps : Tensor
        (M,) g_m of the last diagnosis.

    Examples
    --------
    >>> from mla_core import ExperimentConfig, TrainingSession
    >>> options = {"times": 1, "strength": 3.0}
    >>> config = ExperimentConfig(
    ...     dataset="gaussian", method="relearning", method_options=options, epochs=2
    ... )
    >>> session = TrainingSession(config)
    >>> _ = session.advance(epochs=1)
    >>> session.method.gaps.shape, bool((session.method.pull < 1).all())
    (torch.Size([3]), True)
    """

    options = {**Joint.options, "strength": 3.0, "times": 3}  # noqa: RUF012
    instruments = {  # noqa: RUF012
        **Joint.instruments,
        "purity_gap": Instrument(
            later("Purity gap"),
            later(
                "How much better the classes part in an encoder's features of train than of val, "
                "at the last diagnosis: the larger, the further it is pulled back. 0 before the "
                "first."
            ),
            lambda method, _: method.gaps,
        ),
    }

    def setup(self) -> None:
        """Keep the encoders' first weights, which are drawn from the seed, or a pretrained model's."""
        self.pull = torch.zeros(len(self.modalities))
        self.gaps = torch.zeros(len(self.modalities))
        self._first = {
            name: {
                key: p.detach().clone() for key, p in encoder.named_parameters() if p.requires_grad
            }
            for name, encoder in self.model.encoders.items()
        }

    def end_epoch(self, train: Split, val: Split, coming: Position) -> int:
        """Diagnose where it is time for it, but not behind the last epoch."""
        if not is_moment(coming.epoch, self.config.epochs, self.option["times"]):
            return 0
        sides = [(side, self.model.features(side.inputs)) for side in (train, val)]
        self.gaps = torch.zeros(len(self.modalities))
        for m, name in enumerate(self.modalities):
            purities = []
            for side, features in sides:
                here = self.counted(side.present)[m]
                source = generator(self.config.seed, "clusters", coming.epoch, name, side.name)
                purities.append(purity(features[m][here], side.labels[here], source))
            self.gaps[m] = abs(purities[0] - purities[1])
        self.pull = torch.tanh(float(self.option["strength"]) * self.gaps)
        return len(self.modalities) * (len(train) + len(val))

    def step(self, batch: Batch, train: Split, position: Position) -> StepRecord:
        """As `concat`, from where the encoders were pulled back to."""
        if not self.pull.any():
            return super().step(batch, train, position)
        before = self.state_dict()
        self._pull_back()
        try:
            return super().step(batch, train, position)
        except TrainingDivergedError:
            self.load_state_dict(before)
            raise

    def state_dict(self) -> dict[str, Tensor]:
        """Also what the last diagnosis found; the first weights are made anew with the method."""
        found = {"relearning.pull": self.pull.clone(), "relearning.gaps": self.gaps.clone()}
        return super().state_dict() | found

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take all of it back."""
        super().load_state_dict(state)
        self.pull, self.gaps = state["relearning.pull"].clone(), state["relearning.gaps"].clone()

    @torch.no_grad()
    def _pull_back(self) -> None:
        for (name, first), share in zip(self._first.items(), self.pull.tolist(), strict=True):
            encoder = self.model.encoders[name]
            for key, weight in first.items():
                encoder.get_parameter(key).lerp_(weight, share)
        self.pull = torch.zeros_like(self.pull)


def purity(features: Tensor, labels: Tensor, source: torch.Generator) -> float:
    """Return the share of samples whose cluster is mostly of their class.

    Parameters
    ----------
    features : Tensor
        (N, s); each direction is scaled to -1..1 first.
    labels : Tensor
        (N,), as many clusters as there are different ones. k-means starts once, by k-means++.
    source : Generator
        Where the start is drawn from.

    Returns
    -------
    float
        0 where nothing can be parted: no samples, or features that are not finite.

    Examples
    --------
    >>> x = torch.tensor([[0.0], [0.1], [5.0], [5.1]])
    >>> purity(x, torch.tensor([0, 0, 1, 1]), torch.Generator().manual_seed(0))
    1.0
    >>> purity(x, torch.tensor([0, 1, 0, 1]), torch.Generator().manual_seed(0))
    0.5
    """
    from sklearn.cluster import KMeans
    from threadpoolctl import threadpool_limits

    if not len(labels) or not features.isfinite().all():
        return 0.0
    low, high = features.amin(0), features.amax(0)
    scaled = 2 * (features - low) / (high - low).clamp_min(1e-12) - 1
    rows = scaled.double().numpy()
    clusters = min(len(labels.unique()), len(np.unique(rows, axis=0)))
    seed = int(torch.randint(2**31, (), generator=source))
    # Threads would add up the clusters' sums in an order that changes from run to run.
    with one_blas_thread(), threadpool_limits(1, user_api="openmp"):
        found = KMeans(clusters, n_init=1, random_state=seed).fit_predict(rows)
    counts = np.zeros((clusters, int(labels.max()) + 1))
    np.add.at(counts, (found, labels.numpy()), 1)
    return float(counts.max(1).sum() / len(labels))
