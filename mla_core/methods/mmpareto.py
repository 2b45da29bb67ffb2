"""MMPareto: where joint and unimodal gradients of an encoder disagree, their shortest mixture."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from mla_core.methods.balance import gradients_of
from mla_core.methods.uniform import Uniform


class MMPareto(Uniform):
    """`uniform`, but an encoder never steps against either of its two losses.

    For every encoder, g is the gradient of the fused loss and u that of its own. Where they agree,
    ``<g, u> >= 0``, ``h = g + u``; otherwise ``h = 2 a g + 2 (1 - a) u`` with the a in [0, 1] that
    makes it shortest. Then ``h <- gain |g + u| h / |h|``: a conflict costs no length, and the noise
    of small batches is not averaged away. Heads take the plain gradient of the sum of all losses
    (Wei & Hu, ICML 2024, algorithm 1; any number of modalities as published). Options: ``gain``,
    published as 1.5; ``until``, the share of the run in which gradients are mixed: outside it this
    is `uniform`; and ``variant``:

    - ``"paper"``: as above, over all parameters of an encoder together.
    - ``"released"``: as in the authors' code a stays in [0.001, 0.999], and the length is set for
      every parameter by itself, where that makes it longer.
    - ``"benchmark"``: as in BalanceBenchmark, which never clears g before it adds u: in effect
      ``h = gain (g + 2 u)``, whether the two agree or not. (Where ``<g + u, u> < 0`` that code
      gives NaN; this goes on.)

    An encoder's gradient is computed twice, so that a step costs 5/3 of one of `concat`, a way
    back counted as two forward.

    Examples
    --------
    >>> mixed(torch.tensor([1.0, 0.0]), torch.tensor([-1.0, 1.0]), 1.0)  # they disagree
    tensor([0.4472, 0.8944])
    """

    least_modalities = 2
    passes = 5 / 3
    options = {**Uniform.options, "heads": "own", "gain": 1.5, "until": 1.0, "variant": "paper"}  # noqa: RUF012
    choices = {**Uniform.choices, "variant": ("paper", "released", "benchmark")}  # noqa: RUF012

    def backward(self, loss: Tensor, features: Tensor, labels: Tensor, present: Tensor) -> None:
        """Mix each encoder's two gradients."""
        weight = float(self.option["unimodal_weight"])
        if self.now.run_progress >= self.option["until"] or weight == 0:
            loss.backward()
            return
        fused = F.cross_entropy(self.fused_logits(features, present), labels)
        own = weight * self.own_losses(features, labels, present)
        trained = [p for p in self.model.parameters() if p.requires_grad]
        joint, alone = gradients_of([fused, own], trained)
        for parameter, *both in zip(trained, joint, alone, strict=True):
            given = [g for g in both if g is not None]
            parameter.grad = sum(given[1:], given[0]) if given else None
        of = dict(zip(trained, zip(joint, alone, strict=True), strict=True))
        for encoder in self.model.encoders.values():
            two = [(p, *of[p]) for p in encoder.parameters() if p in of]
            known = [(p, g, u) for p, g, u in two if g is not None and u is not None]
            if known:
                self._mix(*zip(*known, strict=True))

    def _mix(
        self, parameters: tuple[Tensor, ...], g: tuple[Tensor, ...], u: tuple[Tensor, ...]
    ) -> None:
        """Set the gradients of one encoder."""
        gain, variant = float(self.option["gain"]), str(self.option["variant"])
        whole_g, whole_u = (torch.cat([x.flatten() for x in part]) for part in (g, u))
        h = mixed(whole_g, whole_u, gain, variant)
        parts = h.split([p.numel() for p in parameters])
        for p, part, one, two in zip(parameters, parts, g, u, strict=True):
            new = part.view_as(p)
            p.grad = longer(new, gain * (one + two)) if variant == "released" else new


def mixed(g: Tensor, u: Tensor, gain: float, variant: str = "paper") -> Tensor:
    """Return what an encoder steps along, for its gradients g and u (D,), see `MMPareto`.

    Of ``"released"`` it is the mixture before lengths are set.
    """
    if variant == "benchmark":
        return gain * (g + 2 * u)
    both = g + u
    h = both
    if g @ u < 0:
        least = 1e-3 if variant == "released" else 0.0
        a = float((u @ (u - g)) / (g - u).square().sum())
        a = min(max(a, least), 1 - least)
        h = 2 * a * g + 2 * (1 - a) * u
    if variant == "released":
        return h
    length = float(h.norm())
    return h * (gain * float(both.norm()) / length) if length > 0 else h


def longer(h: Tensor, wanted: Tensor) -> Tensor:
    """Return h, as long as `wanted` if that is longer.

    Examples
    --------
    >>> longer(torch.tensor([2.0, 0.0]), torch.tensor([0.0, 3.0])).tolist()
    [3.0, 0.0]
    """
    now, then = float(h.norm()), float(wanted.norm())
    return h * (then / now) if 0 < now < then and math.isfinite(then) else h
