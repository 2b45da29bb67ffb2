"""One step of a method, and the gradient that it took, for comparison with formulas written out."""

from copy import deepcopy
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from mla_core import TrainingSession


@dataclass
class FirstStep:
    """What a method moved along in one step, and the network as it was before it."""

    session: TrainingSession
    model: torch.nn.Module  # before the step
    features: list[Tensor]  # M times (B, s), with their graph
    labels: Tensor
    taken: dict[str, Tensor]  # gradient by name of parameter
    memory: dict[str, Tensor]  # of the method before the step

    def gradient(self, loss: Tensor) -> dict[str, Tensor]:
        """Return a loss's gradient by name, zero where there is none."""
        names, parameters = zip(*self.model.named_parameters(), strict=True)
        found = torch.autograd.grad(loss, parameters, retain_graph=True, allow_unused=True)
        zeros = map(torch.zeros_like, parameters)
        return {k: z if g is None else g for k, g, z in zip(names, found, zeros, strict=True)}

    def expect(self, wanted: dict[str, Tensor], **tolerance) -> None:
        """Assert that this is the gradient taken."""
        for name, gradient in self.taken.items():
            tolerance = {"rtol": 1e-3, "atol": 1e-5} | tolerance
            torch.testing.assert_close(
                gradient, wanted[name], msg=lambda m, n=name: f"{n}: {m}", **tolerance
            )

    def slices(self, bias_share: float) -> list[Tensor]:
        """Return ``W_m z_m`` and this share of the bias, for every modality."""
        head, s = self.model.head, self.features[0].shape[1]
        return [
            z @ head.weight[:, m * s : (m + 1) * s].T + head.bias * bias_share
            for m, z in enumerate(self.features)
        ]

    def fused(self) -> Tensor:
        """Return the cross-entropy of the joint head."""
        return F.cross_entropy(self.model.head(torch.cat(self.features, 1)), self.labels)


@pytest.fixture(scope="session")
def first_step(tiny):
    """Give a function: a method's step on `tiny`, the first or one after others, its options given."""

    def take(method: str, after: int = 0, prepare=None, watch=(), **options) -> FirstStep:
        told = {"method_options": options, "weight_decay": 0.0, "learning_rate": 0.1}
        told["instruments"] = watch
        session = TrainingSession(tiny(method=method, momentum=0.0, epochs=4, **told))
        session.advance(steps=after)
        if prepare is not None:
            prepare(session.method)
        model, memory = deepcopy((session.method.model, session.method.remembered))
        batch, train = session._place.batch, session.data.split("train")
        session.advance(steps=1)
        now = dict(session.method.model.named_parameters())
        taken = {k: (p - now[k]).detach() / 0.1 for k, p in model.named_parameters()}
        z = [model.encode(m, x[batch.indices]) for m, x in train.inputs.items()]
        return FirstStep(session, model, z, train.labels[batch.indices], taken, memory)

    return take


@pytest.fixture(scope="session")
def is_same_run(tiny, bits):
    """Give a check: two methods with these options are one and the same, bit for bit."""

    def check(
        method: str,
        options: dict,
        plain: str,
        plain_options: dict | None = None,
        losses=True,
        **changes,
    ) -> None:
        one, two = (
            TrainingSession(tiny(method=name, method_options=told, **changes))
            for name, told in ((method, options), (plain, plain_options or {}))
        )
        records = list(one), list(two)
        assert records[0] == records[1] or not losses
        states = [
            {k: v for k, v in s.method.state_dict().items() if not k.startswith("memory.")}
            for s in (one, two)
        ]
        assert bits(states[0]) == bits(states[1])

    return check
