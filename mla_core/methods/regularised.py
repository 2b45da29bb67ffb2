"""`concat` with a term more in the loss, or with cosines for logits: five small methods in one."""

from __future__ import annotations

from itertools import combinations

import torch
from torch import Tensor
from torch.nn import functional as F

from mla_core.methods.joint import Joint
from mla_core.methods.late_fusion import unimodal_losses
from mla_core.methods.taught import Taught
from mla_core.seeding import generator


class Regularised(Taught):
    """``CE(z) + strength * term``, z the fused logits and z_m modality m's own, any number of them.

    Options: ``strength``, at 0 of which the term is left out and this is `concat`; ``term``:

    - ``"mimo"``: ``mu log sum_m exp(CE(z_m) / mu)`` with ``temperature`` mu, a soft maximum: the
      modality that is worst off has most of the weight (AISTATS 2025, its optima taken as 0).
    - ``"mbsd"``: ``sum_m CE(z_m)``, and over pairs of modalities the mean of
      ``w_i (|z_a - z_b|^2 / C + KL(p_a || p_b))``, a being the one of the two that is surer of the
      right class, taken as a fixed target of the KL, and ``w_i = |p_a[y] - p_b[y]|`` where at least
      one of them is right, else 0 (modality-balanced self-distillation). More than two: all pairs.
    - ``"cml"``: ``max(0, conf(T) - conf(S))``: confidence, the largest probability, must not grow
      when a modality is taken away (Ma et al., ICML 2023, who publish ``strength`` 0.1). S is all,
      T lacks one drawn at random; with more than two they are taken away one by one, and the
      steps' terms averaged. A sample's last part stays.
    - ``"umt"``: ``sum_m |f_m - t_m|^2 / s``, means over the samples that have the part, with t_m the
      features of unimodal teachers (Du et al., ICML 2023, who publish ``strength`` 50; BalanceBenchmark
      has 10). The teachers are trained first, in the share ``teachers`` of the run, see
      `mla_core.methods.taught.Taught`; at 0 there are none, and this is `concat`.

    ``logits``: ``"linear"``, or ``"cosine"``, ``z_m = scale cos(z_m, W_m)`` without a bias, and z
    their sum (MMCosine, ICASSP 2023, which has no term: ``strength`` 0 and ``scale`` 10).

    Examples
    --------
    >>> from mla_core import ExperimentConfig, TrainingSession
    >>> cosine = {"strength": 0.0, "logits": "cosine"}
    >>> config = ExperimentConfig(dataset="gaussian", method="regularised", method_options=cosine)
    >>> session = TrainingSession(config)
    >>> bool((session.evaluate("val").logits.abs() <= 10).all())
    True
    """

    options = {  # noqa: RUF012
        **Joint.options,
        "term": "mimo",
        "strength": 1.0,
        "temperature": 1.0,
        "teachers": 1 / 3,
        "logits": "linear",
        "scale": 10.0,
    }
    choices = {  # noqa: RUF012
        **Joint.choices,
        "term": ("mimo", "mbsd", "cml", "umt"),
        "logits": ("linear", "cosine"),
    }

    @property
    def wants_teachers(self) -> bool:
        """For one of the terms alone, and where that counts."""
        wanted = self.option["term"] == "umt" and self.option["strength"] > 0
        return wanted and super().wants_teachers

    def modality_logits(self, features: Tensor, present: Tensor) -> Tensor:
        """Return the head's slices, or cosines with them; the teachers' own while these train."""
        if self.option["logits"] == "linear" or self.teaching:
            return super().modality_logits(features, present)
        head = self.joint_head
        slices = head.weight.view(len(head.weight), len(features), -1)  # (C, M, s)
        cosines = torch.einsum(
            "cms,mns->mnc", F.normalize(slices, dim=-1), F.normalize(features, dim=-1)
        )
        return float(self.option["scale"]) * cosines

    def fused_logits(self, features: Tensor, present: Tensor) -> Tensor:
        """Return the head's logits, or the sum of cosines."""
        if self.option["logits"] == "linear":
            return super().fused_logits(features, present)
        return self.modality_logits(features, present).sum(0)

    def loss(self, features: Tensor, labels: Tensor, present: Tensor, samples: Tensor) -> Tensor:
        """Return the cross-entropy and the term."""
        plain = super().loss(features, labels, present, samples)
        strength = float(self.option["strength"])
        if strength == 0 or self.teaching:
            return plain
        if self.option["term"] == "umt":
            if self.taught is None:
                return plain
            return plain + strength * away(features, self.taught[0][:, samples], present)
        return plain + strength * self._term(features, labels, present)

    def _term(self, features: Tensor, labels: Tensor, present: Tensor) -> Tensor:
        logits = self.modality_logits(features, present)  # (M, B, C)
        if self.option["term"] == "mimo":
            mu = max(float(self.option["temperature"]), 1e-3)
            return mu * torch.logsumexp(unimodal_losses(logits, labels, present) / mu, 0)
        if self.option["term"] == "mbsd":
            own = unimodal_losses(logits, labels, present).sum()
            return own + distillation(logits, labels, present)
        source = generator(self.config.seed, "cml", self.now.step)
        order = torch.randperm(len(features), generator=source).tolist()
        return self._growing_confidence(features, present, order)

    def _growing_confidence(self, features: Tensor, present: Tensor, order: list[int]) -> Tensor:
        """Return by how much confidence grows as modalities are taken away in an order."""
        left, total = present, features.new_zeros(())
        before = self._confidence(features, left)
        for m in order[:-1]:
            fewer = left.clone()
            fewer[m] = ~left.any(0) | (left[m] & (left.sum(0) == 1))
            fewer &= left
            after = self._confidence(features, fewer)
            total = total + torch.relu(after - before).mean()
            left, before = fewer, after
        return total / max(1, len(order) - 1)

    def _confidence(self, features: Tensor, left: Tensor) -> Tensor:
        logits = self.fused_logits(features * left[..., None], left)
        return torch.softmax(logits, -1).amax(-1)  # (B,)


def away(features: Tensor, taught: Tensor, present: Tensor) -> Tensor:
    """Return ``sum_m |f_m - t_m|^2 / s``, means over the samples that have the part.

    Parameters
    ----------
    features, taught : Tensor
        (M, B, s).
    present : Tensor
        (M, B) bool.

    Examples
    --------
    >>> away(torch.ones(2, 1, 3), torch.zeros(2, 1, 3), torch.tensor([[True], [False]])).item()
    1.0
    """
    apart = torch.where(present, (features - taught).square().mean(-1), 0.0)  # (M, B)
    total: Tensor = (apart.sum(1) / present.sum(1).clamp_min(1)).sum()
    return total


def distillation(logits: Tensor, labels: Tensor, present: Tensor) -> Tensor:
    """Return the mean over pairs of modalities of what the weaker has to learn from the stronger.

    Parameters
    ----------
    logits : Tensor
        (M, B, C).
    labels : Tensor
        (B,).
    present : Tensor
        (M, B) bool; a sample counts in the pairs of which it has both.

    Examples
    --------
    >>> logits = torch.tensor([[[2.0, 0.0]], [[2.0, 0.0]]])  # who agrees has nothing to learn
    >>> distillation(logits, torch.tensor([0]), torch.ones(2, 1).bool()).item()
    0.0
    """
    logs = F.log_softmax(logits, -1)
    right = logs.detach().exp()[:, torch.arange(len(labels)), labels]  # (M, B)
    hits = logits.argmax(-1) == labels
    total, pairs = logits.new_zeros(()), 0
    for a, b in combinations(range(len(logits)), 2):
        both = present[a] & present[b]
        if not both.any():
            continue
        weight = (right[a] - right[b]).abs() * (hits[a] | hits[b])
        a_leads = (right[a] >= right[b])[:, None]
        strong, weak = (torch.where(a_leads, logs[i], logs[j]) for i, j in ((a, b), (b, a)))
        strong = strong.detach()
        kl = (strong.exp() * (strong - weak)).sum(-1)
        apart = (logits[a] - logits[b]).square().mean(-1)  # |z_a - z_b|^2 / C
        total = total + (weight * (apart + kl))[both].mean()
        pairs += 1
    return total / max(1, pairs)
