"""What a run writes down while it trains: whole at every moment, whatever ended its writer."""

import json
import math
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mla_core import DataError, TrainingSession
from mla_core.records import JOURNAL, About, Journal, JournalReader, history, journal
from mla_core.records.history import History, StepRecord

ABOUT = About(("m0", "m1", "m2"), ("a", "b", "c", "d"), 18)


def assert_same(read: History, written: History) -> None:
    assert read.steps == written.steps
    assert read.summaries == written.summaries
    assert read.summaries.indices == written.summaries.indices


@pytest.fixture(scope="module")
def written(tiny, tmp_path_factory):
    """The bytes of a journal that was written in three goes, and the history behind it."""
    folder = tmp_path_factory.mktemp("run")
    session = TrainingSession(tiny())
    notes = Journal(folder, ABOUT, session.history)
    while not session.finished:
        notes.add(session.advance(steps=6))
        notes.write(session.history)
    return (folder / JOURNAL).read_bytes(), session.history


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(st.data())
def test_a_journal_cut_anywhere_holds_the_first_of_its_records(written, tmp_path, data):
    whole, story = written
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), min_size=1, max_size=4)))
    reader = JournalReader(tmp_path)
    for cut in cuts:  # as it grows, it is read on
        (tmp_path / JOURNAL).write_bytes(whole[:cut])
        reader.read()
        read = reader.history
        assert read.steps == story.steps[: len(read.steps)]
        assert read.summaries == story.summaries[: len(read.summaries)]
        records = len(read.steps) + len(read.summaries)
        assert records == max(0, whole[:cut].count(b"\n") - 1)
        assert (reader.about == ABOUT) == (b"\n" in whole[:cut])


def test_all_that_was_written_is_read(written, tmp_path):
    whole, story = written
    (tmp_path / JOURNAL).write_bytes(whole)
    reader = JournalReader(tmp_path)
    assert reader.read()
    assert_same(reader.history, story)
    assert not reader.read()


@pytest.mark.parametrize("method", ["concat", "unimodal", "late_fusion", "qmf"])
def test_the_journal_of_every_kind_of_method_is_read(method, of, tmp_path):
    session = TrainingSession(of(method, missing={"val": {"m0": 1.0}} if method == "qmf" else {}))
    notes = Journal(tmp_path, About(tuple(session.data.modalities), ("a",), 18), session.history)
    notes.add(session.advance(epochs=1))
    notes.write(session.history)
    reader = JournalReader(tmp_path)
    reader.read()
    read, written = reader.history, session.history
    assert repr((read.steps, [*read.summaries])) == repr((written.steps, [*written.summaries]))


def test_nobodys_history_changes_while_it_is_looked_at(written, tmp_path):
    whole, _ = written
    half = whole.index(b"\n", len(whole) // 2) + 1
    (tmp_path / JOURNAL).write_bytes(whole[:half])
    reader = JournalReader(tmp_path)
    reader.read()
    seen, before = reader.history, len(reader.history.steps)
    (tmp_path / JOURNAL).write_bytes(whole)
    reader.read()
    assert len(seen.steps) == before < len(reader.history.steps)


@pytest.mark.parametrize("modality", ["m0", "nan", "-inf", None, "\n\u2028é"])
@pytest.mark.parametrize("loss", [0.1, math.nan, math.inf, -math.inf])
def test_numbers_and_names_come_back_as_they_were(modality, loss, tmp_path):
    record = StepRecord(0, 0, modality, 8, loss, 0.1, 1.0, 0.5, forgetting={"nan": loss})
    past = History()
    past.add(record)
    Journal(tmp_path, ABOUT, past)
    reader = JournalReader(tmp_path)
    reader.read()
    assert repr(reader.history.steps) == repr([record])  # NaN is not equal to itself


def test_a_run_that_goes_on_begins_with_what_was_before_and_doubles_nothing(tiny, tmp_path):
    session = TrainingSession(tiny())
    first = Journal(tmp_path, ABOUT, session.history)
    first.add(session.advance(steps=5))
    checkpoint = session.snapshot()
    first.add(session.advance(steps=4))  # lost, and done again
    first.write(session.history)
    reader = JournalReader(tmp_path)
    reader.read()
    assert len(reader.history.steps) == 9
    session.restore(checkpoint)
    second = Journal(tmp_path, ABOUT, session.history)
    assert reader.read()
    assert len(reader.history.steps) == 5
    second.add(session.advance(epochs=2))
    second.write(session.history)
    reader.read()
    assert_same(reader.history, session.history)


def test_a_long_run_has_a_short_journal_and_the_same_history(tmp_path, monkeypatch):
    monkeypatch.setattr(journal, "LONGEST", 20_000)
    monkeypatch.setattr(history, "MAX_STEPS", 40)
    past = History()
    notes, reader = Journal(tmp_path, ABOUT, past), JournalReader(tmp_path)
    plain = StepRecord(0, 0, "m0", 8, 0.5, 0.1, 1.0, 0.5, forgetting={"m1": 0.25})
    for step in range(1000):
        record = replace(plain, step=step, modality=f"m{step % 3}")
        past.add(record)
        notes.add([record])
        if step % 7 == 0:
            notes.write(past)
            assert (tmp_path / JOURNAL).stat().st_size < 25_000
            reader.read()
            assert reader.history.steps == past.steps


LOOK = {"index": 0, "step": 0, "epoch": 0}
SUB_STEP = {
    "epoch": 0,
    "modality": "m0",
    "samples": 8,
    "loss": 0.5,
    "learning_rate": 0.1,
    "gradient_norm": 1,
    "projected_norm": 1,
}


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("{]", "Expecting"),
        ("[]", "one record"),
        ('{"sub_step": 1}', "one record"),
        ('{"sub_step": {}}', "missing required field"),
        ('{"leap": {}}', "one record"),
        ('{"look": {"index": true}}', "rising from 0"),
        (json.dumps({"look": LOOK}), "missing required field"),
        (json.dumps({"look": LOOK | {"index": 10**300}}), "rising from 0"),
        (json.dumps({"sub_step": SUB_STEP | {"step": 10**300}}), "cannot stand after 0"),
        (json.dumps({"sub_step": SUB_STEP | {"step": 0}}), "cannot stand after 0"),
        (json.dumps({"sub_step": SUB_STEP | {"step": 1, "sub_steps": 0}}), "cannot stand after 0"),
        (json.dumps({"sub_step": SUB_STEP | {"step": 1, "loss": "much"}}), "Expected `float`"),
        ("\ufffd", "Expecting"),
    ],
)
def test_a_line_that_no_run_writes_is_told_and_the_rest_is_there(line, told, tmp_path):
    past = History()
    past.add(StepRecord(0, 0, "m0", 8, 0.5, 0.1, 1.0, 0.5))
    Journal(tmp_path, ABOUT, past)
    with (tmp_path / JOURNAL).open("a", encoding="utf-8") as file:
        file.write(f"{line}\n")
    reader = JournalReader(tmp_path)
    for _ in range(2):
        with pytest.raises(DataError, match=told):
            reader.read()
        assert reader.history.steps == past.steps


@pytest.mark.parametrize("first", ['{"run": {"modalities": 3}}', '{"look": {}}', "1"])
def test_what_is_not_a_journal_is_told(first, tmp_path):
    (tmp_path / JOURNAL).write_text(f"{first}\n")
    with pytest.raises(DataError, match=r"journal.jsonl' is damaged"):
        JournalReader(tmp_path).read()
