"""PMR: prototypes of the classes pull the encoders of the modalities that are behind."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from mla_core.data.samples import Split
from mla_core.language import later
from mla_core.methods.balance import mean_over_present
from mla_core.methods.base import Position
from mla_core.methods.concat import Concat
from mla_core.methods.instruments import Instrument
from mla_core.methods.joint import Joint
from mla_core.seeding import generator


class Pmr(Concat):
    """Prototypical modality rebalance: ``CE(z) + strength sum_m b_m PCE_m``, and leaders kept unsure.

    Between epochs the mean features c_{m,k} of every modality m and class k are taken of a
    ``share`` of the training samples, and mixed half and half with those before. Then ``q_m =
    softmax_k(-|z_m - c_{m,k}|)`` classifies without a head, ``PCE_m = -log q_m[y]``, and with S_m
    the mean of ``q_m[y]`` in the batch ``b_m = clip(max_j S_j / S_m - 1, 0, 1)``: whoever is behind
    is pulled to its prototypes. In the first ``until`` of the run also ``- strength * slowing
    max_m b_m H(q_leader)``, H the mean entropy, so that the leader does not get too sure (Fan et
    al., CVPR 2023). Before its first prototypes, so in the first epoch, this is `concat`. More than
    two modalities, here: the ratio to the best, and the entropy of that one.

    Options: ``strength``, published as 0.6 to 2, at 0 of which this is `concat`; ``share``, published
    as 0.1, at least one sample per class; ``slowing`` and ``until``; and ``variant``: ``"paper"``, or
    ``"released"``: in the public code b_m is 1 for whoever is behind, however little, and there is
    no entropy term.

    Examples
    --------
    >>> pulls(torch.tensor([0.6, 0.4, 0.1])).tolist()
    [0.0, 0.5..., 1.0]
    """

    least_modalities = 2
    options = {  # noqa: RUF012
        **Joint.options,
        "strength": 1.0,
        "share": 0.1,
        "slowing": 0.1,
        "until": 0.1,
        "variant": "paper",
    }
    choices = {**Joint.choices, "variant": ("paper", "released")}  # noqa: RUF012
    instruments = {  # noqa: RUF012
        **Joint.instruments,
        "pull": Instrument(
            later("Pull to prototypes"),
            later(
                "The weight of a modality's prototype loss, 0 for the one that leads. There is "
                "none in the first epoch, before there are prototypes."
            ),
        ),
    }

    @torch.no_grad()
    def end_epoch(self, train: Split, val: Split, coming: Position) -> int:
        """Take the prototypes anew: those of the features as they are now."""
        if self.option["strength"] == 0 or coming.run_progress >= 1:
            return 0
        chosen = self._chosen(train, coming.epoch)
        labels, present = train.labels[chosen], self.counted(train.present)[:, chosen]
        features = self.model.features(train.subset(chosen).inputs)  # (M, n, s)
        new = class_means(features, labels, present, self.joint_head.out_features)
        old = self.remembered.get("prototypes", new)
        mixed = torch.where(new.isnan(), old, torch.where(old.isnan(), new, (old + new) / 2))
        self.remembered["prototypes"] = mixed  # (M, C, s)
        return len(self.modalities) * len(chosen)

    def loss(self, features: Tensor, labels: Tensor, present: Tensor, samples: Tensor) -> Tensor:
        """Return the cross-entropy and what the prototypes add."""
        plain = super().loss(features, labels, present, samples)
        strength, prototypes = float(self.option["strength"]), self.remembered.get("prototypes")
        if strength == 0 or prototypes is None:
            return plain
        logits = prototype_logits(features, prototypes)  # (M, B, C)
        logs = F.log_softmax(logits, -1)
        right = logs[:, torch.arange(len(labels)), labels]  # (M, B)
        counted = present & right.isfinite()  # not where a class has no prototype
        right = torch.where(counted, right, 0.0)
        scored = mean_over_present(right.detach().exp(), counted)  # (M,)
        pulled = pulls(scored)
        released = self.option["variant"] == "released"
        if released:
            pulled = (pulled > 0).to(pulled.dtype)
        self.note("pull", pulled)
        behind = mean_over_present(-right, counted)
        term = torch.where(pulled > 0, pulled * behind, 0.0).sum()
        if not released and self.now.run_progress < self.option["until"] and pulled.max() > 0:
            leader = int(scored.nan_to_num(-1.0).argmax())
            sure = logs[leader, counted[leader]]
            unsure = -(sure.exp() * sure.clamp_min(-100)).sum(-1).mean()  # finite, and its gradient
            term = term - float(self.option["slowing"]) * pulled.max() * unsure
        return plain + strength * term

    def _chosen(self, train: Split, epoch: int) -> Tensor:
        """Return some samples of every class and modality."""
        order = torch.randperm(
            len(train), generator=generator(self.config.seed, "prototypes", epoch)
        )
        labels, chosen = train.labels[order], []
        for here in self.counted(train.present):
            for k in range(self.joint_head.out_features):
                own = order[here[order] & (labels == k)]
                chosen.append(own[: math.ceil(float(self.option["share"]) * len(own))])
        some: Tensor = torch.cat(chosen).unique()
        return some


def class_means(features: Tensor, labels: Tensor, present: Tensor, n_classes: int) -> Tensor:
    """Return the mean features (M, C, s) of every class, NaN where nobody of it has the modality.

    Examples
    --------
    >>> x = torch.tensor([[[1.0], [3.0], [5.0]]])
    >>> class_means(x, torch.tensor([0, 0, 1]), torch.ones(1, 3).bool(), 2).tolist()
    [[[2.0], [5.0]]]
    """
    of = F.one_hot(labels, n_classes).to(features.dtype) * present[..., None]  # (M, N, C)
    sums = torch.einsum("mnc,mns->mcs", of, torch.where(present[..., None], features, 0.0))
    return sums / of.sum(1)[..., None]


def prototype_logits(features: Tensor, prototypes: Tensor) -> Tensor:
    """Return ``-|z_m - c_{m,k}|`` (M, B, C); -inf where there is no such prototype.

    Examples
    --------
    >>> x, c = torch.tensor([[[3.0, 4.0]]]), torch.tensor([[[0.0, 0.0], [3.0, 3.0]]])
    >>> prototype_logits(x, c).tolist()
    [[[-5.0, -1.0]]]
    """
    known = ~prototypes.isnan().any(-1)  # (M, C)
    apart = features[:, :, None] - prototypes.nan_to_num()[:, None]  # (M, B, C, s)
    squared = apart.square().sum(-1)
    distance = torch.where(
        squared > 0, squared.clamp_min(1e-24).sqrt(), 0.0
    )  # no NaN gradient at 0
    return (-distance).masked_fill(~known[:, None], -torch.inf)


def pulls(scored: Tensor) -> Tensor:
    """Return ``clip(max_j S_j / S_m - 1, 0, 1)`` of scores (M,), 0 where NaN."""
    best = scored.nan_to_num(0.0).max()
    return (best / scored - 1).clamp(0, 1).nan_to_num(0.0)
