"""What methods show of themselves: each value against a formula of its own, and who watches pays."""

import math
from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from mla_core import ConfigError, ExperimentConfig, TrainingSession
from mla_core.analysis import gradient_conflict
from mla_core.methods import METHODS, Sight, looked_at, method_class
from mla_core.records import History

METHOD_NAMES = list(METHODS.built_in)
OPTIONS = {  # so that a short run shows everything
    "relearning": {"times": 1},
    "valuation": {"warm_up": 0.0},
    "udi": {"alone": 0.3},
    "gblending": {"every": 1},
    "aug": {"ratio": 1.0},
}


def watching(config: ExperimentConfig) -> ExperimentConfig:
    return config.replace(instruments=list(method_class(config.method).instruments))


def shown(history: History) -> dict[str, list[float]]:
    """Return the values of every line."""
    found: dict[str, list[float]] = {}
    for record in [*history.steps, *history.summaries]:
        for key, value in record.instruments.items():
            found.setdefault(key, []).append(value)
    return found


@pytest.mark.parametrize("method", METHOD_NAMES)
def test_who_watches_changes_nothing_and_sees_every_line(method, of, bits):
    config = of(method, epochs=3, method_options=OPTIONS.get(method, {}))
    plain, watched = TrainingSession(config), TrainingSession(watching(config))
    list(plain), list(watched)
    assert bits(plain.method.state_dict()) == bits(watched.method.state_dict())
    assert [replace(r, instruments={}) for r in watched.history.steps] == plain.history.steps
    lines = {
        f"{name}.{line}"
        for name, instrument in watched.method.instruments.items()
        for line in instrument.names(watched.method.modalities)
    }
    assert set(shown(watched.history)) == lines
    assert shown(plain.history) == {}


@pytest.mark.parametrize("method", ["ogm_ge", "relearning", "udi"])
def test_the_way_back_shows_the_same_curves(method, of):
    config = watching(of(method, epochs=3, method_options=OPTIONS.get(method, {})))
    session = TrainingSession(config)
    session.advance(steps=4)
    snapshot = session.snapshot()
    list(session)
    through, looks = list(session.history.steps), list(session.history.summaries)
    twin = session.fork(snapshot)
    session.restore(snapshot)
    assert session.history.steps == through[:4]
    for one in (session, twin):
        list(one)
        assert one.history.steps == through
        assert [look.instruments for look in one.history.summaries] == [
            look.instruments for look in looks
        ]


def test_watching_begins_and_ends_at_any_time(tiny):
    session = TrainingSession(tiny(method="ogm_ge", epochs=4))
    session.advance(steps=2)
    session.reconfigure(instruments=["ratio", "conflict"])
    session.advance(steps=4)
    session.reconfigure(instruments=[])
    session.advance(steps=4)
    told = [set(record.instruments) for record in session.history.steps]
    assert told == [set()] * 2 + [{"ratio.m0", "ratio.m1", "ratio.m2"}] * 4 + [set()] * 4
    assert [bool(look.instruments) for look in session.history.summaries] == [False, True, False]


def test_the_values_are_part_of_what_is_saved(tiny, tmp_path):
    session = TrainingSession(watching(tiny(method="mlb")))
    list(session)
    session.history.save(tmp_path / "history.npz")
    back = History.load(tmp_path / "history.npz")
    assert back.steps == session.history.steps
    assert shown(back) == shown(session.history)


def test_an_instrument_that_the_method_lacks_is_named_with_those_that_it_has(tiny):
    with pytest.raises(ConfigError, match=r"'mla' has no instrument 'conflict': .*'budget', 'sha"):
        tiny(method="mla", instruments=["conflict"])
    with pytest.raises(ConfigError, match="instruments must be a list of names, none twice"):
        tiny(method="mla", instruments=["budget", "budget"])
    with pytest.raises(ConfigError, match="instruments must be a list of names"):
        tiny(method="mla", instruments="budget")


def test_a_run_that_nobody_watches_is_called_as_ever(tiny):
    assert "instruments" not in tiny().naming()


# --------------------------------------------------------------------- step by step, by other formulas


def scores_of(step) -> list[float]:
    """The mean probability of the right class, by the slices of the head, one sample at a time."""
    return [
        float(np.mean([torch.softmax(z, 0)[y] for z, y in zip(own, step.labels, strict=True)]))
        for own in (logits.detach() for logits in step.slices(1 / 3))
    ]


def losses_of(step) -> list[float]:
    return [float(F.cross_entropy(z.detach(), step.labels)) for z in step.slices(1 / 3)]


def ratios_of(s: list[float]) -> list[float]:
    return [sum(a / s[j] for j in range(3) if j != m) / 2 for m, a in enumerate(s)]


def ogm_factor(step) -> list[float]:
    return [1 - math.tanh(0.5 * r) if r > 1 else 1.0 for r in ratios_of(scores_of(step))]


def opm_chance(step) -> list[float]:
    rho = ratios_of(scores_of(step))
    return [min(1, 0.5 * (1 + 0.5 * math.tanh(r - 1))) if r > 1 else 0.0 for r in rho]


def mlb_factor(step) -> list[float]:
    s = scores_of(step)
    behind = [sum(s[j] / s[m] for j in range(3) if j != m) / 2 for m in range(3)]
    return [1 + math.tanh(r - 1) for r in behind]  # both bounds are 2


def agm_ratio(step) -> list[float]:
    losses = losses_of(step)
    return [math.exp(1.5 * (sum(losses) / 3 - one)) for one in losses]


def agm_factor(step) -> list[float]:
    past = step.memory["losses"].tolist()
    target = [math.exp(1.5 * (sum(past) / 3 - one)) for one in past]
    return [math.exp(min(t - r, 10)) for t, r in zip(target, agm_ratio(step), strict=True)]


def arl_factor(step) -> list[float]:
    s, x = scores_of(step), []
    for m, logits in enumerate(step.slices(1 / 3)):
        p = torch.softmax(logits.detach(), 1)
        h = float(-(p * p.log()).sum(1).mean()) / math.log(4)
        x.append(1 / max(h, 0.3) / s[m])
    e = np.exp(8 * np.array(x) / np.mean(x))
    return list(1 + e / e.sum())


def inforeg_lead(step) -> list[float]:
    s = scores_of(step)
    below = [[a - b for b in s if b < a] for a in s]
    return [float(np.mean(gaps)) if gaps else 0.0 for gaps in below]


def amco_mass(step) -> list[float]:
    e = torch.cat(step.slices(1 / 3), 1).detach().exp()  # (B, M C)
    return (e / e.sum(1, keepdim=True)).view(len(e), 3, 4).sum(2).mean(0).tolist()


def lfm_agreement(step) -> list[float]:
    return [0.8 * (1 - 4 / 12)]  # the fifth of twelve steps


def gate(step) -> list[float]:
    talk = step.model.head
    squeezed = torch.relu(talk.squeeze(torch.cat(step.features, 1))).detach()
    return [float(2 * torch.sigmoid(excite(squeezed)).detach().mean()) for excite in talk.excite]


FORMULAS = {
    ("ogm_ge", "ratio"): (lambda step: ratios_of(scores_of(step)), 0),
    ("ogm_ge", "factor"): (ogm_factor, 0),
    ("opm", "ratio"): (lambda step: ratios_of(scores_of(step)), 0),
    ("opm", "chance"): (opm_chance, 0),
    ("mlb", "factor"): (mlb_factor, 0),
    ("agm", "ratio"): (agm_ratio, 4),
    ("agm", "factor"): (agm_factor, 4),
    ("arl", "factor"): (arl_factor, 0),
    ("inforeg", "lead"): (inforeg_lead, 0),
    ("amco", "mass"): (amco_mass, 4),
    ("lfm", "agreement"): (lfm_agreement, 4),
    ("greedy", "gate"): (gate, 0),
}


@pytest.mark.parametrize(("method", "name"), FORMULAS)
def test_a_value_is_what_its_formula_says(method, name, first_step):
    formula, after = FORMULAS[method, name]
    step = first_step(method, after, watch=[name])
    record = step.session.history.steps[-1]
    assert list(record.instruments.values()) == pytest.approx(formula(step), rel=1e-4)


def test_the_pull_to_prototypes_is_the_published_coefficient(tiny):
    session = TrainingSession(tiny(method="pmr", instruments=["pull"], momentum=0.0))
    session.advance(epochs=1)
    assert not any(record.instruments for record in session.history.steps)
    prototypes, batch = session.method.remembered["prototypes"], session._place.batch
    train, s = session.data.split("train"), []
    with torch.no_grad():
        for m, name in enumerate(session.data.modalities):
            z = session.method.model.encode(name, train.inputs[name][batch.indices])
            far = (z[:, None] - prototypes[m]).norm(dim=-1)  # (B, C)
            p = torch.softmax(-far, 1)
            s.append(float(p[torch.arange(len(p)), train.labels[batch.indices]].mean()))
    session.advance(steps=1)
    wanted = [min(1, max(s) / one - 1) for one in s]
    found = session.history.steps[-1].instruments
    assert list(found.values()) == pytest.approx(wanted, rel=1e-4, abs=1e-6)


def test_who_waits_for_weaker_modalities_is_told(tiny):
    session = TrainingSession(tiny(method="g2d", epochs=6, instruments=["learns"]))
    session.advance(epochs=2)
    teaching = [set(r.instruments.values()) for r in session.history.steps]
    assert set.union(*teaching) == {1.0}
    record = session.advance(steps=1)[0]
    waiting = [m for m in session.data.modalities if m in session.method._waiting]
    assert [m for m in session.data.modalities if record.instruments[f"learns.{m}"] == 0] == waiting
    assert len(waiting) == 2  # the weakest learns alone at first


def test_followers_tell_how_much_they_listen(tiny):
    session = TrainingSession(
        tiny(method="udi", method_options={"alone": 0.5}, instruments=["weight"])
    )
    list(session)
    told = [r.instruments for r in session.history.steps]
    assert [bool(one) for one in told] == [r.epoch == 1 for r in session.history.steps]
    for one in filter(None, told):
        assert sum(one.values()) == pytest.approx(1) or not any(one.values())


# ------------------------------------------------------------------- at looks, by other formulas


def test_budget_counts_the_parts_of_an_epoch(tiny, make_data):
    data = make_data(missing=0.3)
    present = data.split("train").present
    session = TrainingSession(tiny(method="concat", instruments=["budget"]), data)
    found = session.history.summaries[-1].instruments
    shares = (present.sum(1) / present.sum()).tolist()
    assert [found["budget.a"], found["budget.b"]] == pytest.approx(shares)
    order = ["m0", "m0", "m1", "m2"]
    session = TrainingSession(tiny(method="mla", order=order, instruments=["budget"]))
    counts = dict.fromkeys(session.data.modalities, 0)
    for record in session.advance(epochs=1):
        counts[record.modality] += record.samples
    found = TrainingSession(session.config).history.summaries[-1].instruments
    total = sum(counts.values())
    assert found == pytest.approx({f"budget.{m}": n / total for m, n in counts.items()})


def test_a_budget_follows_the_copies_that_are_added(tiny):
    config = tiny(
        method="valuation",
        method_options={"warm_up": 0.0},
        instruments=["budget", "contribution"],
        evaluate_every=0,
    )
    session = TrainingSession(config)
    session.advance(epochs=1)
    found, copies = session.history.summaries[-1].instruments, session.method.copies
    n = len(session.data.split("train"))
    parts = [n + int(row.sum()) for row in copies]
    wanted = {f"budget.m{m}": one / sum(parts) for m, one in enumerate(parts)}
    mean = {f"contribution.m{m}": float(c) for m, c in enumerate(session.method.contributions)}
    assert found == pytest.approx(wanted | mean)


@pytest.mark.parametrize("method", ["mla", "concat", "late_fusion"])
def test_shapley_values_are_the_mean_over_all_orders_of_arrival(method, tiny):
    session = TrainingSession(tiny(method=method, instruments=["shapley"]))
    list(session)
    probe, values = session.probe, {(): 1 / 4}
    for kept in [(0,), (1,), (2,), (0, 1), (0, 2), (1, 2), (0, 1, 2)]:
        present = torch.zeros_like(probe.present)
        present[list(kept)] = True
        fused = session.method.predict(probe.keep(present)).fused
        values[kept] = float((fused.argmax(1) == probe.labels).double().mean())
    wanted = [0.0, 0.0, 0.0]
    for order in permutations(range(3)):
        for i, m in enumerate(order):
            before, after = sorted(order[:i]), sorted(order[: i + 1])
            wanted[m] += (values[tuple(after)] - values[tuple(before)]) / 6
    found = session.history.summaries[-1].instruments
    assert list(found.values()) == pytest.approx(wanted)
    whole = session.history.summaries[-1].accuracy
    assert sum(found.values()) == pytest.approx(whole - 1 / 4)


def test_gradient_conflict_is_the_question_to_the_network_as_it_is(tiny):
    session = TrainingSession(tiny(method="concat", instruments=["conflict"]))
    list(session)
    asked = gradient_conflict(session.method, session.data.split("train"))
    found = session.history.summaries[-1].instruments
    assert found == pytest.approx({f"conflict.{m}": cosine for m, cosine in asked.items()})


def test_what_is_measured_between_epochs_is_shown_as_measured(tiny):
    session = TrainingSession(watching(tiny(method="relearning", method_options={"times": 1})))
    list(session)
    gaps = session.method.gaps.tolist()
    found = session.history.summaries[-1].instruments
    assert [found[f"purity_gap.m{m}"] for m in range(3)] == pytest.approx(gaps)
    told = {"method_options": {"every": 1}, "epochs": 3}
    session = TrainingSession(watching(tiny(method="gblending", **told)))
    session.advance(steps=4)
    first = session.history.summaries[-1].instruments
    assert [v for k, v in first.items() if k.startswith("weight.")] == [1, 1, 1, 1]
    list(session)
    w = session.method.remembered["weights"].tolist()
    found = session.history.summaries[-1].instruments
    assert found["weight.fused"] == pytest.approx(w[0])
    assert [found[f"weight.m{m}"] for m in range(3)] == pytest.approx(w[1:])


def test_a_modality_that_nobody_has_is_no_point(tiny, make_data):
    data = make_data()
    session = TrainingSession(tiny(method="ogm_ge", instruments=["ratio", "conflict"]), data)
    data.split("train").present[1] = False
    session.advance(steps=4)
    assert all("ratio.b" not in record.instruments for record in session.history.steps)
    assert list(session.history.summaries[-1].instruments) == ["conflict.a"]


def test_what_nobody_watches_is_not_read(tiny):
    session = TrainingSession(tiny(method="concat"))
    nobody = Sight(None, None, None)
    assert looked_at(session.method, nobody) == {}
    session.method.note("no such thing", lambda: pytest.fail("asked"))
