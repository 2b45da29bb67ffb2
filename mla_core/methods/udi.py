"""UDI: the best modality is trained first, the others follow it where that helps them."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from mla_core.data.samples import Split
from mla_core.fusion import predictive_entropy
from mla_core.language import later
from mla_core.methods.balance import jensen_shannon
from mla_core.methods.base import Position
from mla_core.methods.ensemble import Ensemble
from mla_core.methods.instruments import Instrument
from mla_core.methods.schedule import Batch
from mla_core.methods.turn import Turn


class Udi(Ensemble):
    """An ensemble whose best network, once trained, guides the others (arXiv 2509.02281).

    Until the share ``alone`` of the run all modalities are trained alone. Then the one that is
    most accurate on val (of equals, the one with the smaller mean entropy) becomes the anchor a:
    its network stays as it is, and its sub-steps are left out. A follower m makes smaller::

        CE(z_m) + w_con consistency JS(p_a, p_m) + w_com complementarity I(f_a; f_m)

    JS is the Jensen-Shannon divergence, which draws its answers to the anchor's; I the CLUB upper
    bound of mutual information (Cheng et al., ICML 2020), which draws its features apart. The
    weights are ``max(0, <grad CE, grad JS>)`` and ``max(0, <grad CE, grad I>)`` over their sum: what
    opposes the cross-entropy has no say. Samples without the anchor's part have the cross-entropy
    alone. With ``alone=1`` it is an `ensemble`, for any number of modalities.

    Ours: followers go on from where they are instead of being trained once more from the start;
    the weights are of every batch, from gradients at the features; and CLUB's Q(f_m | f_a) is a
    linear Gaussian model, fitted by ridge regression before every epoch, for which all training
    parts pass the encoders without being learned from (`StepRecord.forward_passes`).

    Attributes
    ----------
    anchor : int
        Its row; -1 while all are trained alone.

    Examples
    --------
    >>> from mla_core import ExperimentConfig, TrainingSession
    >>> config = ExperimentConfig(dataset="gaussian", method="udi", epochs=2)
    >>> session = TrainingSession(config)
    >>> _ = session.advance(epochs=1)
    >>> f"m{session.method.anchor}" in {
    ...     batch.modality for batch in session.method.plan(session.data.split("train"), 1)
    ... }
    False
    """

    head_moves_alone = True
    least_modalities = 2
    options = {  # noqa: RUF012 - `Method` declares the type
        "alone": 0.5,
        "consistency": 1.0,
        "complementarity": 1.0,
    }
    instruments = {  # noqa: RUF012
        **Ensemble.instruments,
        "weight": Instrument(
            later("Weight of the anchor's terms"),
            later(
                "How much the follower at hand listens to the anchor: to come closer to its "
                "answers, and to get away from its features. None before there is an anchor."
            ),
            each=False,
            lines=(later("consistency"), later("complementarity")),
        ),
    }

    def setup(self) -> None:
        """Begin without an anchor."""
        size, m = self.feature_size, len(self.modalities)
        self.anchor = -1
        self._maps = torch.zeros(m, size + 1, size)  # Q's mean of f_m is [f_a, 1] @ map
        self._spread = torch.ones(m, size)  # Q's variances
        self._of_anchor: tuple[Tensor, Tensor] | None = None  # features (N, s), logits (N, C)

    def plan(self, train: Split, epoch: int) -> list[Batch]:
        """As `ensemble`, without the anchor."""
        anchor = self.modalities[self.anchor] if self.anchor >= 0 else None
        return [batch for batch in super().plan(train, epoch) if batch.modality != anchor]

    def end_epoch(self, train: Split, val: Split, coming: Position) -> int:
        """Choose the anchor when it is time for it, and fit the models of features."""
        if coming.epoch >= self.config.epochs or coming.run_progress < self.option["alone"]:
            return 0
        passes = len(self.modalities) * len(train)
        if self.anchor < 0:
            self.anchor = best_modality(self.predict(val).logits, val.present, val.labels)
            passes += len(self.modalities) * len(val)
        features = self.model.features(train.inputs)  # (M, N, s)
        self._keep_anchor(features)
        here = train.present[self.anchor]
        for m in range(len(self.modalities)):
            both = here & train.present[m]
            fitted = linear_gaussian(features[self.anchor][both], features[m][both])
            self._maps[m], self._spread[m] = fitted
        return passes

    def objective(self, turn: Turn) -> Tensor:
        """Return the loss beside what the anchor says of the same samples."""
        loss, indices, features = turn.loss, turn.batch.indices, turn.features
        if self.anchor < 0:
            return loss
        here = turn.train.present[self.anchor, indices]  # (B,)
        if not here.any():
            return loss
        m = self.modalities.index(str(turn.batch.modality))
        f_a, z_a = (x[indices[here]] for x in self._anchor_on(turn.train))
        mean = torch.cat([f_a, f_a.new_ones(len(f_a), 1)], 1) @ self._maps[m]
        terms = [
            float(self.option["consistency"]) * jensen_shannon(z_a, turn.logits[here]).mean(),
            float(self.option["complementarity"]) * club(features[here], mean, self._spread[m]),
        ]
        weights = _agreeing(loss, terms, features)
        self.note("weight", lambda: torch.stack(weights).detach())
        for weight, term in zip(weights, terms, strict=True):
            loss = loss + weight * term
        return loss

    def state_dict(self) -> dict[str, Tensor]:
        """Also the anchor and the models of features; what it says can be computed anew."""
        return super().state_dict() | {
            "udi.anchor": torch.tensor(self.anchor),
            "udi.maps": self._maps.clone(),
            "udi.spread": self._spread.clone(),
        }

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take all of it back."""
        super().load_state_dict(state)
        self.anchor = int(state["udi.anchor"])
        self._maps, self._spread = state["udi.maps"].clone(), state["udi.spread"].clone()
        self._of_anchor = None

    def _anchor_on(self, train: Split) -> tuple[Tensor, Tensor]:
        if self._of_anchor is None:
            self._of_anchor = self._keep_anchor(self.model.features(train.inputs))
        return self._of_anchor

    @torch.no_grad()
    def _keep_anchor(self, features: Tensor) -> tuple[Tensor, Tensor]:
        own = features[self.anchor].clone()
        self._of_anchor = own, self.head_of(self.modalities[self.anchor])(own)
        return self._of_anchor


def _agreeing(loss: Tensor, terms: list[Tensor], features: Tensor) -> list[Tensor]:
    """Return each term's weight: how much its gradient at the features agrees with the loss's."""
    if not features.requires_grad:  # nothing but the head learns
        return [loss.new_ones(()), loss.new_zeros(())]
    pulls = [
        torch.autograd.grad(one, features, retain_graph=True, materialize_grads=True)[0]
        for one in (loss, *terms)
    ]
    agree = torch.stack([torch.relu((pulls[0] * pull).sum()) for pull in pulls[1:]])
    return list(agree / agree.sum().clamp_min(1e-12))


def best_modality(logits: Tensor, present: Tensor, labels: Tensor) -> int:
    """Return the row of the most accurate modality; of equals, that with the smaller mean entropy.

    Parameters
    ----------
    logits : Tensor
        (M, N, C).
    present : Tensor
        (M, N) bool.
    labels : Tensor
        (N,).

    Examples
    --------
    >>> logits = torch.tensor([[[1.0, 0.0]], [[5.0, 0.0]]])
    >>> best_modality(logits, torch.ones(2, 1).bool(), torch.tensor([0]))
    1
    """
    right = logits.argmax(-1) == labels  # (M, N)
    entropy = predictive_entropy(logits).nan_to_num()
    ranks = [
        (float(right[m][here].double().mean()), -float(entropy[m][here].mean()))
        if here.any()
        else ()
        for m, here in enumerate(present)
    ]
    return ranks.index(max(ranks))


def club(features: Tensor, mean: Tensor, spread: Tensor) -> Tensor:
    """Return CLUB's bound: ``log Q(f_i | a_i)``, less its mean over the other pairs, a scalar.

    Parameters
    ----------
    features : Tensor
        (B, s) f.
    mean : Tensor
        (B, s) of the Gaussian Q given the other modality's features a.
    spread : Tensor
        (s,) its variances.

    Returns
    -------
    Tensor
        The mean over pairs and directions of s; 0 where Q does not depend on a.

    Examples
    --------
    >>> f = torch.tensor([[1.0], [-1.0]])
    >>> club(f, f, torch.ones(1)).item(), club(f, torch.zeros(2, 1), torch.ones(1)).item()
    (1.0, 0.0)
    """
    paired = (features - mean).square()
    # The mean over all f_j of (f_j - mean_i)^2, without making the pairs.
    apart = (features.mean(0) - mean).square() + features.var(0, correction=0)
    return ((apart - paired) / (2 * spread)).mean()


def linear_gaussian(given: Tensor, features: Tensor) -> tuple[Tensor, Tensor]:
    """Fit a linear Gaussian model of features by ridge regression.

    Parameters
    ----------
    given, features : Tensor
        (N, s).

    Returns
    -------
    map : Tensor
        (s + 1, s); the mean is ``[given, 1] @ map``.
    spread : Tensor
        (s,) variances of what is left, and a little of the features' own.

    Examples
    --------
    >>> x = torch.randn(50, 2, generator=torch.Generator().manual_seed(0))
    >>> linear_gaussian(x, 3 * x)[0].round().tolist()
    [[3.0, 0.0], [0.0, 3.0], [-0.0, 0.0]]
    """
    size = features.shape[1]
    if not len(given) or not (given.isfinite().all() and features.isfinite().all()):
        return features.new_zeros(size + 1, size), features.new_ones(size)
    x = torch.cat([given, given.new_ones(len(given), 1)], 1).double()  # (N, s + 1)
    y = features.double()
    inner = x.T @ x + torch.eye(size + 1, dtype=x.dtype)
    fitted = torch.linalg.solve(inner, x.T @ y)
    left = (y - x @ fitted).square().mean(0)
    spread = left + 0.01 * y.var(0, correction=0) + 1e-6
    return fitted.float(), spread.float()
