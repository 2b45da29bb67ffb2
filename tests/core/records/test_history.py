"""What happened, as records, arrays, a file and tables."""

import dataclasses
import re

import numpy as np
import pytest
import torch

from mla_core import DataError, Evaluation, History, StepRecord, TrainingSession
from mla_core.records.history import MAX_STEPS, Change
from tests.core.lines import before_every_line


@pytest.fixture
def history(tiny) -> History:
    session = TrainingSession(tiny())
    session.advance(steps=5)
    session.reconfigure(head_gradient="off", learning_rate=0.1, epochs=3)
    session.advance(steps=5)
    return session.history


def same(one: History, two: History) -> bool:
    return (one.steps, one.summaries, one.changes) == (two.steps, two.summaries, two.changes)


def test_arrays_give_equal_records_back(history):
    back = History.from_arrays(history.to_arrays())
    assert same(back, history)
    assert len(back.steps) == 10
    assert len(back.changes) == 3
    assert back.latest is None  # not part of the arrays


def test_every_value_keeps_its_type(history):
    back = History.from_arrays(history.to_arrays())
    for old, new in zip(history.steps, back.steps, strict=True):
        assert {k: type(v) for k, v in vars(old).items()} == {
            k: type(v) for k, v in vars(new).items()
        }
    changes = History()
    changes.changes = [Change(0, "epochs", 2, 3), Change(4, "alpha", 0.1, 0.7)]
    first = History.from_arrays(changes.to_arrays()).changes[0]
    assert (type(first.before), type(first.after)) == (int, int)


def test_no_array_needs_pickle(history):
    assert all(array.dtype.kind in "ifU" for array in history.to_arrays().values())


def test_a_file_gives_equal_records_back(history, tmp_path):
    history.save(tmp_path / "history.npz")
    assert [path.name for path in tmp_path.iterdir()] == ["history.npz"]
    assert same(History.load(tmp_path / "history.npz"), history)


@pytest.mark.parametrize(
    ("modality", "forgetting"),
    [
        (None, {}),
        ("a", {"b": -1e-300, "c": 1 / 3}),
        ("\N{GREEK SMALL LETTER ALPHA}", {'quo"te': 0.1 + 0.2}),
    ],
)
def test_odd_records_survive_the_file(modality, forgetting, tmp_path):
    history = History()
    history.steps = [
        StepRecord(7, 1, modality, 3, 1e-320, 5e-324, 1e308, 0.1 + 0.2, forgetting=forgetting)
    ]
    history.save(tmp_path / "history.npz")
    assert same(History.load(tmp_path / "history.npz"), history)


def test_an_empty_history_is_fine(tmp_path):
    history = History()
    assert all(array.size == 0 for array in history.to_arrays().values())
    assert len(history.frame()) == len(history.summary_frame()) == 0
    history.save(tmp_path / "history.npz")
    assert same(History.load(tmp_path / "history.npz"), history)


def test_the_frame_has_a_row_per_sub_step_and_a_column_per_forgetting(history):
    frame = history.frame()
    assert len(frame) == 10
    plain = {"step", "epoch", "modality", "samples", "loss", "learning_rate", "angle"}
    plain |= {"gradient_norm", "projected_norm", "plasticity"}
    assert set(frame.columns) >= plain
    assert {c for c in frame.columns if c.startswith("forgetting")} == {
        f"forgetting.m{m}" for m in range(3)
    }
    for record, (_, row) in zip(history.steps, frame.iterrows(), strict=True):
        assert row["loss"] == record.loss
        assert row["modality"] == record.modality
        for m in range(3):
            value = row[f"forgetting.m{m}"]
            assert value == record.forgetting.get(f"m{m}", value) or np.isnan(value)
            assert np.isnan(value) == (f"m{m}" not in record.forgetting)


def test_the_summary_frame_has_a_row_per_look_and_a_column_per_modality(history):
    frame = history.summary_frame()
    assert frame["step"].tolist() == [0, 4, 8]
    expected = {"accuracy", "ece", "separability", "mean_weight.m1", "unimodal_accuracy.m2"}
    assert set(frame.columns) >= expected | {"centroid_gap.m0|m2", "weight_loss_covariance.m0"}


def test_a_copy_grows_on_its_own(history):
    twin = history.copy()
    twin.steps.pop()
    twin.summaries.clear()
    twin.changes.append(Change(0, "alpha", 1, 2))
    assert (len(history.steps), len(history.summaries), len(history.changes)) == (10, 3, 3)
    assert twin.latest is history.latest


def evaluation(fused: list, logits: list, present: list, labels: list) -> Evaluation:
    m, n = len(logits), len(labels)
    return Evaluation(
        "val", 0, 0, tuple("abc"[:m]), tuple(map(str, range(n))), torch.tensor(labels),
        torch.tensor(present, dtype=torch.bool), torch.zeros(m, n, 2),
        torch.tensor(logits), torch.full((m, n), 1 / m), torch.tensor(fused),
    )  # fmt: skip


def test_accuracies_are_shares_of_right_predictions_among_present_parts():
    no, yes = [1.0, 0.0], [0.0, 1.0]
    found = evaluation(
        fused=[yes, yes, no, no],
        logits=[[yes, yes, yes, yes], [no, no, no, yes]],
        present=[[1, 1, 1, 0], [0, 1, 0, 0]],
        labels=[1, 1, 1, 0],
    )
    assert found.accuracy == 0.5  # the last sample has no part, so it is no right answer
    assert found.unimodal_accuracy == {"a": 1.0, "b": 0.0}
    assert found.unanswered.tolist() == [False, False, False, True]


def test_a_modality_without_a_sample_has_no_accuracy():
    found = evaluation([[1.0, 0.0]], [[[1.0, 0.0]], [[1.0, 0.0]]], [[1], [0]], [0])
    assert found.unimodal_accuracy["a"] == 1.0
    assert np.isnan(found.unimodal_accuracy["b"])


def test_records_never_change(tiny):
    (record,) = TrainingSession(tiny()).advance(steps=1)
    with pytest.raises(dataclasses.FrozenInstanceError):
        record.loss = 0.0


def long_history(steps: int) -> History:
    history = History()
    for step in range(steps):
        grown = {"ab"[(step + 1) % 2]: 1.0}
        record = StepRecord(step, 0, "ab"[step % 2], 10, step / 7, 0.1, 1.0, 0.9, forgetting=grown)
        history.add(dataclasses.replace(record, forward_passes=step % 3))
    return history


@pytest.mark.parametrize("steps", [MAX_STEPS, MAX_STEPS + 1, 2 * MAX_STEPS + 3, 3 * MAX_STEPS])
def test_a_long_history_stays_bounded_and_its_sums_stay_true(steps):
    history = long_history(steps)
    assert MAX_STEPS / 2 <= len(history.steps) <= MAX_STEPS
    assert sum(record.sub_steps for record in history.steps) == steps
    assert sum(record.samples for record in history.steps) == 10 * steps
    assert sum(sum(record.forgetting.values()) for record in history.steps) == steps
    assert sum(r.forward_passes for r in history.steps) == sum(step % 3 for step in range(steps))
    for name in "ab":
        mine = [record for record in history.steps if record.modality == name]
        assert [r.step for r in mine] == sorted(r.step for r in mine)
        assert mine[-1].step == max(s for s in range(steps) if "ab"[s % 2] == name)
        # Evenly thinned: no record stands for more than twice what the first one does.
        assert max(r.sub_steps for r in mine) <= mine[0].sub_steps
    assert all(record.loss == record.step / 7 for record in history.steps)


def test_a_long_history_survives_the_file_and_grows_on_as_if_it_had_not_been_there(tmp_path):
    whole, half = long_history(MAX_STEPS + 900), long_history(MAX_STEPS + 500)
    half.save(tmp_path / "history.npz")
    back = History.load(tmp_path / "history.npz")
    for step in range(MAX_STEPS + 500, MAX_STEPS + 900):
        grown = {"ab"[(step + 1) % 2]: 1.0}
        record = StepRecord(step, 0, "ab"[step % 2], 10, step / 7, 0.1, 1.0, 0.9, forgetting=grown)
        back.add(dataclasses.replace(record, forward_passes=step % 3))
    assert back.steps == whole.steps


def rare(step: int) -> StepRecord:
    """Return a record of a run in which one modality occurs once, early."""
    return StepRecord(step, 0, "rare" if step == 2 else "ab"[step % 2], 10, 0.0, 0.1, 1.0, 0.9)


@pytest.mark.parametrize("steps", [MAX_STEPS + 500, 3 * MAX_STEPS])
def test_a_modality_that_occurs_once_does_not_keep_a_history_long(steps, tmp_path):
    history = History()
    longest = 0
    for step in range(steps):
        history.add(rare(step))
        longest = max(longest, len(history.steps))
    assert longest == MAX_STEPS
    assert sum(record.sub_steps for record in history.steps) == steps
    assert [r.sub_steps for r in history.steps if r.modality == "rare"] == [1]

    history.save(tmp_path / "history.npz")
    back, copy = History.load(tmp_path / "history.npz"), history.copy()
    for step in range(steps, steps + MAX_STEPS):
        for one in (history, back, copy):
            one.add(rare(step))
    assert back.steps == copy.steps == history.steps


def test_whoever_reads_between_two_lines_finds_every_sub_step_once(tiny, monkeypatch):
    monkeypatch.setattr("mla_core.records.history.MAX_STEPS", 5)
    monkeypatch.setattr("mla_core.records.history.MAX_SUMMARIES", 3)
    session = TrainingSession(tiny(evaluate_every=2))
    session.advance(steps=1)

    def read():
        history = session.history.copy()
        steps, looks = history.steps, history.summaries
        assert sum(record.sub_steps for record in steps) == steps[-1].step + 1
        assert 0 <= steps[-1].step + 1 - looks[-1].step < 2
        assert history.latest.step == looks[-1].step
        assert looks.indices == [look.step // 2 for look in looks]

    with before_every_line(read, "session", "records"):
        session.advance(steps=14)


WRONG = [  # what stands in the file instead, and what is said
    ({"steps.loss": np.array(["high", "low"])}, "holds no history"),
    ({"steps.loss": np.array(['"high"', '"low"'])}, "'steps.loss' must hold float, not 'high'"),
    ({"steps.loss": np.ones(2, complex)}, "must be a list of numbers"),
    ({"steps.loss": np.ones((2, 2))}, "must be a list of numbers"),
    ({"steps.loss": np.ones(3)}, "differ in length"),
    ({"steps.step": np.array([0.5, 1.5])}, "'steps.step' must hold int, not 0.5"),
    ({"steps.modality": np.array(["1", "2"])}, "'steps.modality' must hold str | None, not 1"),
    ({"steps.forgetting": np.array(["[]", "{}"])}, "must hold Mapping"),
    ({"steps.forgetting": np.array(["[" * 10**5] * 2)}, "holds no history"),
    ({"steps.colour": np.ones(2)}, "'steps.colour' is unknown"),
    ({"steps.epoch": None}, "epoch"),
    ({"looks": np.array([3, 1])}, "'looks' must number"),
    ({"looks": np.array(0)}, "'looks' must number"),
    ({"summaries.accuracy": np.array(["null", "null"])}, "must hold float, not None"),
    ({"summaries.weight_quantiles": np.array(['{"a": 1}'] * 2)}, "must hold Mapping"),
]


@pytest.mark.parametrize(("changed", "said"), WRONG)
def test_a_file_that_holds_something_else_is_named(changed, said, history, tmp_path):
    few = history.copy()
    few.steps = few.steps[:2]
    arrays = {k: v for k, v in (few.to_arrays() | changed).items() if v is not None}
    path = tmp_path / "history.npz"
    np.savez(path, **arrays)
    with pytest.raises(DataError, match=re.escape(str(path))) as refused:
        History.load(path)
    assert said in str(refused.value)
