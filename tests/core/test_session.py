"""However a session is driven, it does the same, bit for bit."""

import pytest
import torch

from mla_core import TrainingDivergedError, TrainingSession
from mla_core.records.checkpoint import load_snapshot, save_snapshot
from mla_core.records.history import Change

RECIPE = {
    "averaging": 1.0,
    "temperature": "fitted",
    "fusion": "product",
    "stopping": "best_nll",
}
KINDS = {
    "paper": {},
    "paper_previous": {"head_gradient": "paper_previous"},
    "dataset_mean": {"head_gradient": "dataset_mean"},
    "released_enabled": {"head_gradient": "released_enabled"},
    "update": {"projection": "update", "learning_rate_schedule": "cosine"},
    "adamw": {"optimizer": "adamw", "learning_rate": 0.01, "order": "random", "averaging": 0.5},
    "independent": {"pairing": "independent", "alpha_schedule": "run_decay"},
    "reset": {"reset": "round", "stopping": "best"},
    "ensemble": {"method": "ensemble", "order": "random", **RECIPE},
    "unimodal": {"method": "unimodal", "modalities": ["m1"], "pairing": "independent"},
    "concat": {"method": "concat"},
    "sum": {"method": "sum", "optimizer": "adamw", "learning_rate": 0.01},
    "late_fusion": {"method": "late_fusion", "missing": {"train": 0.6}, **RECIPE},
    "film": {"method": "film", "label_noise": 0.5, "evaluate_every": 0, "stopping": "best"},
    "bigated": {"method": "bigated", "missing": {"train": {"m0": 0.9}, "val": 0.5}},
    "reconboost": {"method": "reconboost", "missing": {"train": 0.4}},
    "remix": {"method": "remix", "missing": {"train": 0.4}, "epochs": 3},
    "udi": {"method": "udi", "missing": {"train": 0.4}, "epochs": 3},
    "aug": {"method": "aug", "missing": {"train": 0.4}, "epochs": 3},
    "ogm_ge": {"method": "ogm_ge", "method_options": {"until": 0.7}},
    "qmf": {"method": "qmf", "missing": {"train": 0.4}},
    "relearning": {"method": "relearning", "missing": {"train": 0.4}},
    "g2d": {"method": "g2d", "missing": {"train": 0.4}},
    "valuation": {"method": "valuation", "missing": {"train": 0.4}, "epochs": 3},
    "zeros": {"method": "qmf", "missing": {"train": 0.4}, "method_options": {"absent": "zeros"}},
}


@pytest.fixture(params=KINDS, scope="module")
def config(request, tiny):
    return tiny(**KINDS[request.param])


@pytest.fixture(scope="module")
def straight(config):
    session = TrainingSession(config)
    list(session)
    return session


def stepped(session: TrainingSession) -> TrainingSession:
    while not session.finished:
        assert len(session.advance(steps=1)) == 1
    return session


def in_epochs(session: TrainingSession) -> TrainingSession:
    while not session.finished:
        session.advance(epochs=1)
        assert session.step_in_epoch == 0
    return session


def in_chunks_of_time(session: TrainingSession) -> TrainingSession:
    while not session.finished:
        assert session.advance(seconds=0.002)
    return session


def looked_at_all_the_time(session: TrainingSession) -> TrainingSession:
    for _ in session:
        session.evaluate("val")
        session.evaluate("train")
        session.look_again()
        session.snapshot()
    return session


@pytest.mark.parametrize("drive", [stepped, in_epochs, in_chunks_of_time, looked_at_all_the_time])
def test_the_way_of_driving_changes_nothing(drive, config, straight, assert_same):
    assert_same(drive(TrainingSession(config)), straight)


def test_a_restored_session_goes_on_as_if_nothing_had_happened(config, straight, assert_same):
    session, snapshots = TrainingSession(config), []
    # Before all; within an epoch; at the border of two (after 3 joint steps, after 9 sub-steps).
    for steps in (0, 3, 5, 9):
        session.advance(steps=max(0, steps - session.step))
        assert session.step == min(steps, straight.step)
        snapshots.append(session.snapshot())
    list(session)
    other = TrainingSession(config)
    other.advance(steps=7)  # anywhere else
    for restored, snapshot in [(session, snapshots[2]), *((other, one) for one in snapshots)]:
        restored.restore(snapshot)
        assert restored.step == snapshot.step
        list(restored)
        assert_same(restored, straight)


@pytest.mark.parametrize("steps", [1, 5])
def test_a_fork_without_changes_does_the_same(steps, config, straight, assert_same):
    session = TrainingSession(config)
    session.advance(steps=steps)
    twin = session.fork()
    list(twin)
    list(session)
    assert_same(twin, straight)
    assert_same(session, straight)


def test_a_snapshot_on_disk_is_the_same_snapshot(config, straight, assert_same, tmp_path):
    session = TrainingSession(config)
    session.advance(steps=5)
    save_snapshot(session.snapshot(), tmp_path)
    loaded = load_snapshot(tmp_path)
    assert loaded.config == config
    resumed = TrainingSession(config)
    resumed.restore(loaded)
    assert resumed.history.latest is not None
    list(resumed)
    assert_same(resumed, straight)


def test_training_does_not_touch_a_snapshot(tiny, bits):
    session = TrainingSession(tiny())
    session.advance(steps=4)
    snapshot = session.snapshot()
    tensors, steps = bits(snapshot.tensors), list(snapshot.history.steps)
    session.advance(steps=5)
    session.restore(snapshot)
    session.advance(steps=3)
    assert bits(snapshot.tensors) == tensors
    assert snapshot.history.steps == steps


def test_restoring_goes_back_and_forth(tiny, assert_same):
    session = TrainingSession(tiny())
    session.advance(steps=3)
    early = session.snapshot()
    session.reconfigure(alpha=0.7, learning_rate=0.01)
    session.advance(steps=8)
    late, twin = session.snapshot(), session.fork()
    session.restore(early)
    assert (session.step, session.config.alpha, session.history.changes) == (3, 0.1, [])
    session.advance(steps=2)
    session.restore(late)
    assert (session.step, session.config.alpha) == (11, 0.7)
    assert session.history.changes == twin.history.changes
    list(session)
    list(twin)
    assert_same(session, twin)


def test_a_fork_leaves_its_parent_alone(tiny, assert_same, bits):
    session, untouched = TrainingSession(tiny()), TrainingSession(tiny())
    for one in (session, untouched):
        one.advance(steps=5)
    twin = session.fork(head_gradient="off")
    assert all(record.plasticity == 1.0 for record in twin)
    assert_same(session, untouched)
    assert session.config.head_gradient == "paper"
    assert session.history.changes == []
    list(session)
    assert twin.history.steps[:5] == session.history.steps[:5]
    assert bits(twin.method.state_dict()) != bits(session.method.state_dict())
    assert twin.history.changes == [Change(5, "head_gradient", "paper", "off")]


def test_a_fork_does_not_look_at_the_probe(tiny, assert_same, monkeypatch):
    session = TrainingSession(tiny(stopping="best"))
    session.advance(steps=5)
    looks, predict = [], type(session.method).predict
    monkeypatch.setattr(
        type(session.method), "predict", lambda *args: looks.append(1) or predict(*args)
    )
    early = session.recording.at(0).snapshot
    for twin, step in ((session.fork(), 5), (session.fork(early), 0), (session.reported(), 4)):
        assert twin.step == step
        assert twin.history.latest is not None
        assert twin.recording.steps == ([0, 4] if step else [0])
        assert twin.last_good.step == step
    assert looks == []
    assert_same(TrainingSession(session.config, at=session.snapshot()), session)
    assert looks == []


def test_neither_making_nor_running_touches_the_global_random_state(config):
    torch.manual_seed(123)
    before = torch.get_rng_state()
    session = TrainingSession(config)
    session.advance(epochs=1)
    session.evaluate("test")
    list(session.fork())
    assert torch.equal(torch.get_rng_state(), before)


def test_the_global_random_state_decides_nothing(config, assert_same):
    sessions = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        sessions.append(TrainingSession(config))
        sessions[-1].advance(epochs=1)
    assert_same(*sessions)


def test_the_number_of_threads_around_it_decides_nothing(config, assert_same):
    sessions = []
    for threads in (1, 3):
        torch.set_num_threads(threads)
        sessions.append(TrainingSession(config))
        sessions[-1].advance(epochs=1)
        assert torch.get_num_threads() == threads
    torch.set_num_threads(1)
    assert_same(*sessions)


def test_another_seed_does_something_else(tiny, bits):
    one, two = TrainingSession(tiny(seed=0)), TrainingSession(tiny(seed=1))
    assert bits(one.method.state_dict()) != bits(two.method.state_dict())
    assert one.advance(steps=1)[0].loss != two.advance(steps=1)[0].loss


def test_another_modality_does_not_change_the_encoders_of_the_others(tiny, bits):
    two, three = (
        TrainingSession(tiny(dataset_options={"modalities": m})).method.model.encoders
        for m in (2, 3)
    )
    for name in ("m0", "m1"):
        assert bits(two[name].state_dict()) == bits(three[name].state_dict())
    assert bits(three["m1"].state_dict()) != bits(three["m0"].state_dict())


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_after_a_divergence_the_last_good_state_goes_on_more_slowly(optimizer, tiny):
    session = TrainingSession(tiny(optimizer=optimizer, epochs=20))
    session.advance(steps=6)
    session.reconfigure(learning_rate=1e30)
    with pytest.raises(TrainingDivergedError):
        session.advance(epochs=5)
    good = session.last_good
    assert 4 <= good.step <= session.step
    session.restore(good)
    assert len(session.history.steps) == session.step == good.step
    session.reconfigure(learning_rate=0.01)
    records = session.advance(epochs=2)
    assert records
    assert torch.isfinite(session.evaluate("val").fused).all()


def test_rewinding_keeps_the_settings_in_force(tiny):
    session = TrainingSession(tiny(epochs=20))
    session.advance(steps=6)
    session.reconfigure(learning_rate=1e30)
    with pytest.raises(TrainingDivergedError):
        session.advance(epochs=5)
    session.reconfigure(learning_rate=0.01)
    back = session.last_good.step
    session.rewind()
    assert session.step == back
    assert session.config.learning_rate == 0.01
    assert session.advance(steps=30)[-1].learning_rate == 0.01


def test_advance_stops_at_the_first_limit(tiny):
    session = TrainingSession(tiny(epochs=4))
    assert [r.step for r in session.advance(steps=4)] == [0, 1, 2, 3]
    assert [r.step for r in session.advance(epochs=1)] == [4, 5, 6, 7, 8]  # the end of the first
    assert len(session.advance(epochs=1)) == 9
    assert len(session.advance(steps=3, epochs=1)) == 3
    assert len(session.advance(steps=30, epochs=1)) == 6
    assert len(session.advance(seconds=0)) == 1
    assert len(session.advance(seconds=1e9, steps=2)) == 2
    assert len(session.advance()) == 6
    assert session.finished
    assert session.advance(steps=5) == session.advance(seconds=1) == list(session) == []


@pytest.mark.parametrize("limit", [{"steps": 0}, {"epochs": 0}, {"steps": 0, "seconds": 1}])
def test_advancing_by_nothing_does_nothing(limit, tiny):
    session = TrainingSession(tiny())
    assert session.advance(**limit) == []
    assert session.step == 0


def test_where_a_session_stands(tiny):
    session = TrainingSession(tiny())
    assert (session.steps_per_epoch, session.progress, session.next_modality) == (9, 0.0, "m0")
    session.advance(steps=10)
    assert (session.step, session.epoch, session.step_in_epoch) == (10, 1, 1)
    assert session.progress == pytest.approx(10 / 18)
    assert session.next_modality == "m1"
    list(session)
    assert (session.progress, session.next_modality, session.finished) == (1.0, None, True)


def test_the_probe_is_looked_at_at_first_then_regularly_and_at_the_end(tiny):
    session = TrainingSession(tiny(evaluate_every=4))
    list(session)
    assert [summary.step for summary in session.history.summaries] == [0, 4, 8, 12, 16, 18]
    latest = session.history.latest
    assert (latest.split, latest.step, len(latest.ids)) == ("val", 18, 20)


def test_an_evaluation_covers_the_whole_split(tiny):
    session = TrainingSession(tiny())
    for name in ("train", "val", "test"):
        evaluation, split = session.evaluate(name), session.data.split(name)
        assert evaluation.ids == split.ids
        m, n, c = 3, len(split), 4
        assert evaluation.logits.shape == (m, n, c)
        assert evaluation.features.shape == (m, n, 12)
        assert evaluation.weights.shape == (m, n)
        assert evaluation.fused.shape == (n, c)


def test_sessions_of_data_that_never_change_share_them(tiny):
    config = tiny()
    one, other = TrainingSession(config), TrainingSession(config.replace(seed=1))
    assert one._whole is other._whole
    assert (
        TrainingSession(config.replace(dataset_options={"sizes": [40, 20, 20]}))._whole
        is not one._whole
    )
    one.advance(epochs=1)
    straight = TrainingSession(config.replace(seed=1))
    assert other.advance(epochs=1) == straight.advance(epochs=1), "nobody changes them"
