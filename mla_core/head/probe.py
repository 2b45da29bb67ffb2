"""Head forgetting: what a head step for one modality does to the loss of the others."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F


class HeadProbe:
    """Every modality's features as its last sub-step saw them, and the head's loss on them.

    Encoders stay fixed between two looks, since features are kept, not inputs: what changes is
    the head alone. Nothing is encoded twice, so a look costs one small matrix product.

    Parameters
    ----------
    modalities : sequence of str
        M names.
    batch_size, feature_size : int
        B and s; smaller batches leave the rest of their rows unused.

    Examples
    --------
    >>> from torch import nn
    >>> probe, head = HeadProbe(["a", "b"], batch_size=4, feature_size=2), nn.Linear(2, 3)
    >>> z, y = torch.ones(4, 2), torch.tensor([0, 1, 2, 0])
    >>> with torch.no_grad():
    ...     probe.forgetting(head, "a", z, y), probe.forgetting(head, "b", z, y)
    ({}, {'a': 0.0})
    """

    def __init__(self, modalities: Sequence[str], batch_size: int, feature_size: int) -> None:
        m = len(modalities)
        self._modalities = list(modalities)
        self._features = torch.zeros(m, batch_size, feature_size)
        self._labels = torch.zeros(m, batch_size, dtype=torch.int64)
        self._share = torch.zeros(m, batch_size)  # 1/B where a row is used, else 0
        self._losses = torch.full((m,), torch.nan)  # under the current head; NaN: not seen yet

    def to(self, device: torch.device) -> None:
        """Keep everything on a device from now on."""
        for name, x in self._tensors().items():
            setattr(self, f"_{name}", x.to(device))

    def forgetting(
        self, head: Callable[[Tensor], Tensor], modality: str, features: Tensor, labels: Tensor
    ) -> dict[str, float]:
        """Return how much the head's last step raised the other modalities' losses (nats).

        Parameters
        ----------
        head : Module or callable
            Logits (M B, C) of features (M B, s), those of all modalities one below the other; after
            its step for `modality`.
        modality : str
        features : Tensor
            (B, s) of that step's batch, kept for the next ones.
        labels : Tensor
            (B,).
        """
        grown = self.grown(head, modality, features, labels).tolist()
        return named(self._modalities, modality, grown)

    def grown(
        self, head: Callable[[Tensor], Tensor], modality: str, features: Tensor, labels: Tensor
    ) -> Tensor:
        """Return the same for all modalities (M,), NaN for those not seen yet."""
        row, n = self._modalities.index(modality), len(labels)
        self._features[row, :n] = features
        self._labels[row, :n] = labels
        self._share[row] = 0.0
        self._share[row, :n] = 1 / n
        logits = head(self._features.flatten(0, 1))  # (M B, C)
        losses = F.cross_entropy(logits, self._labels.flatten(), reduction="none")
        before = self._losses
        self._losses = (losses.view_as(self._share) * self._share).sum(1)
        # A modality not seen yet has no loss: NaN keeps it apart.
        unseen = before.isnan()
        unseen[row] = False
        self._losses.masked_fill_(unseen, torch.nan)
        return self._losses - before

    def means(self) -> dict[str, Tensor]:
        """Return the mean feature (s,) of every modality seen so far, float64 (eq. 4)."""
        return {
            name: self._features[m][self._share[m] > 0].mean(0, dtype=torch.float64).cpu()
            for m, name in enumerate(self._modalities)
            if bool(self._share[m].any())
        }

    def state_dict(self) -> dict[str, Tensor]:
        """Return copies of all tensors."""
        return {name: x.to("cpu", copy=True) for name, x in self._tensors().items()}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take back what `state_dict` gave."""
        for name, x in self._tensors().items():
            setattr(self, f"_{name}", state[name].to(x.device, copy=True))

    def _tensors(self) -> dict[str, Tensor]:
        return {
            "features": self._features,
            "labels": self._labels,
            "share": self._share,
            "losses": self._losses,
        }


def named(modalities: Sequence[str], active: str, grown: Sequence[float]) -> dict[str, float]:
    """Return what each modality's loss grew by name, less the active one and those not seen yet.

    Examples
    --------
    >>> named(["a", "b", "c"], "a", [0.5, 0.25, float("nan")])
    {'b': 0.25}
    """
    return {
        m: x for m, x in zip(modalities, grown, strict=True) if m != active and not math.isnan(x)
    }
