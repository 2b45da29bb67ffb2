"""Sample-level valuation: Shapley values by their other definition, and the copies they lead to."""

import itertools
from collections import Counter

import pytest
import torch

from mla_core import ExperimentConfig, TrainingSession
from mla_core.methods import shapley_values


def subsets(m: int) -> list[tuple[int, ...]]:
    """Return all 2^m subsets of m rows."""
    sizes = (itertools.combinations(range(m), size) for size in range(m + 1))
    return list(itertools.chain.from_iterable(sizes))


def test_many_games_are_valued_at_once():
    games = torch.rand(8, 5, generator=torch.Generator().manual_seed(0))
    values = {frozenset(s): games[i] for i, s in enumerate(subsets(3))}
    each = [shapley_values({s: float(v[n]) for s, v in values.items()}) for n in range(5)]
    for player, found in shapley_values(values).items():
        assert found.tolist() == pytest.approx([one[player] for one in each], abs=1e-6)


def begun(tiny, **changes) -> TrainingSession:
    session = TrainingSession(tiny(method="valuation", epochs=5, **changes))
    session.advance(epochs=1)
    return session


def contributions(session: TrainingSession) -> torch.Tensor:
    """Return phi by hand, of three parts: the mean over all orders of what each adds."""
    train, method = session.data.split("train"), session.method
    worth, phi = {}, torch.zeros(3, len(train))
    for rows in subsets(3):
        present = torch.zeros_like(train.present)
        present[list(rows)] = train.present[list(rows)]
        right = method.predict(train.keep(present)).fused.argmax(1) == train.labels
        worth[frozenset(rows)] = present.sum(0) * right
    for order in itertools.permutations(range(3)):
        for place, player in enumerate(order):
            before, after = frozenset(order[:place]), frozenset(order[: place + 1])
            phi[player] += (worth[after] - worth[before]) / 6
    return phi


@pytest.mark.parametrize("level", ["sample", "modality"])
def test_parts_that_contribute_little_stand_alone_more_often(level, tiny):
    few = {"dataset_options": {"sizes": [16, 24, 20]}, "missing": {"train": 0.3}}
    options = {"level": level, "strength": 1.5}
    session = begun(tiny, method_options=options, batch_size=8, **few)
    present, copies = session.data.split("train").present, session.method.copies
    phi = contributions(session)
    mean = phi.sum(1) / present.sum(1)
    torch.testing.assert_close(session.method.contributions, mean)
    wanted = 1.5 * (1 - phi if level == "sample" else (mean.max() - mean)[:, None].expand(3, 16))
    wanted = wanted.clamp(min=0, max=None if level == "sample" else 1) * present
    assert copies.sum() > 0
    assert ((copies >= (wanted - 1e-4).floor()) & (copies <= (wanted + 1e-4).ceil())).all()


def test_an_epoch_holds_every_sample_once_and_its_copies_with_one_part(tiny):
    session = begun(tiny, missing={"train": 0.4})
    present, copies = session.data.split("train").present, session.method.copies
    whole, alone = [], Counter()
    for batch in session._place.plan:
        for i, kept in zip(batch.indices.tolist(), batch.kept.T, strict=True):
            if kept.all():
                whole.append(i)
            else:
                assert kept.sum() == 1
                alone[int(kept.nonzero()), i] += 1
    assert sorted(whole) == present.any(0).nonzero().flatten().tolist()
    assert alone == {(m, i): int(copies[m, i]) for m, i in copies.nonzero().tolist()}
    coming = session._place.batch
    expected = present[:, coming.indices] & coming.kept
    assert torch.equal(session.next_samples.present, expected)
    assert session.history.steps[-1].forward_passes == 3 * 40


def test_a_copy_teaches_with_its_part_alone(tiny):
    session = begun(tiny)
    batch, method = session._place.batch, session.method
    train = session.data.split("train")
    with torch.no_grad():
        f = method.model.features({m: x[batch.indices] for m, x in train.inputs.items()})
        z = method.model.head(torch.cat(list(f * batch.kept[..., None]), 1))
    expected = torch.nn.functional.cross_entropy(z, train.labels[batch.indices])
    assert not batch.kept.all()
    assert session.advance(steps=1)[0].loss == pytest.approx(float(expected), rel=1e-5)


def test_for_two_modalities_the_copies_are_the_published_ones(make_data):
    config = ExperimentConfig(method="valuation", epochs=5, batch_size=16, feature_size=12)
    session = TrainingSession(config, make_data())
    session.advance(epochs=1)
    train, predict = session.data.split("train"), session.method.predict
    right = []
    for rows in ([0], [1], [0, 1]):
        kept = torch.zeros_like(train.present)
        kept[rows] = True
        right.append((predict(train.keep(kept)).fused.argmax(1) == train.labels).int())
    for m, (own, other) in enumerate([right[:2], right[1::-1]]):
        phi = (own + 2 * right[2] - other) / 2
        published = torch.stack([(phi < 0.9).int(), (phi < 0.4).int(), (phi < -0.1).int()]).sum(0)
        assert session.method.copies[m].tolist() == published.tolist()


@pytest.mark.parametrize("options", [{"strength": 0.0}, {"warm_up": 1.0}], ids=str)
def test_without_copies_it_is_concat(options, tiny, bits):
    one = TrainingSession(tiny(method="valuation", method_options=options))
    two = TrainingSession(tiny(method="concat"))
    for session in (one, two):
        list(session)
    assert bits(one.method.model.state_dict()) == bits(two.method.model.state_dict())
    assert [r.loss for r in one.history.steps] == [r.loss for r in two.history.steps]
