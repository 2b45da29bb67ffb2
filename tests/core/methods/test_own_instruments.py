"""Instruments of a person's own method, whatever it is made of; and what is said of faulty ones."""

import pytest

import mla_core as mla
from tests.core.guests import SMALL, write

HEADED = """
    import torch
    from mla_core.methods import Instrument, Joint, linear

    class Mine(Joint):
        instruments = {
            **Joint.instruments,
            "length": Instrument("Length of features", "Their mean norm.", lines=("all",)),
            "batch": Instrument("Batch", "How many.", lambda m, sight: torch.tensor([
                len(sight.plan[0].indices)]), each=False, lines=("size",)),
        }

        def build_head(self, modalities, n_classes):
            return linear(self.feature_size, n_classes, self.config.seed, "head")

        def fused_logits(self, features, present):
            return self.model.head(features.amax(0))

        def modulate(self, features, labels, present, position):
            norms = features.norm(dim=-1).mean(1)
            self.note("length", torch.cat([norms, norms.mean()[None]]))
"""
BARE = """
    import torch
    from mla_core import StepRecord
    from mla_core.methods import Batch, Instrument, Prediction

    class Mine:
        instruments = {"seen": Instrument("Seen", "Parts so far.")}

        def __init__(self, config, modalities, n_classes):
            self.names, self.count, self.classes = list(modalities), torch.zeros(1), n_classes

        def plan(self, train, epoch):
            return [Batch(None, part) for part in torch.arange(len(train)).split(16)]

        def step(self, batch, train, position):
            self.count += len(batch.indices)
            shown = {f"seen.{name}": float(self.count) for name in self.names}
            return StepRecord(position.step, position.epoch, None, len(batch.indices), 1.0, 0.0, 0.0,
                0.0, instruments=shown)

        def predict(self, split):
            m, n = split.present.shape
            zeros = torch.zeros(m, n, self.classes)
            return Prediction(zeros, zeros, split.present.float() / m, zeros[0])

        def state_dict(self):
            return {"count": self.count}

        def load_state_dict(self, state):
            self.count = state["count"]
"""


def session_of(lab, code, *instruments):
    write(lab, code)
    return mla.TrainingSession(
        mla.ExperimentConfig(**SMALL, method=f"{lab}:Mine", instruments=instruments)
    )


def test_what_a_guest_hands_in_is_recorded_where_it_is_watched(lab):
    session = session_of(lab, HEADED, "length", "batch", "conflict")
    record = session.advance(steps=1)[0]
    names = session.data.modalities
    assert list(record.instruments) == [*(f"length.{m}" for m in names), "length.all"]
    assert record.instruments["length.all"] == pytest.approx(
        sum(record.instruments[f"length.{m}"] for m in names) / len(names)
    )
    look = session.history.summaries[-1].instruments
    assert look["batch.size"] == 16
    assert f"conflict.{next(iter(names))}" in look
    session.reconfigure(instruments=[])
    assert session.advance(steps=1)[0].instruments == {}


def test_a_bare_guest_tells_in_its_records_and_only_what_is_watched(lab):
    session = session_of(lab, BARE, "seen", "budget")
    told = [record.instruments["seen.m0"] for record in session.advance(steps=2)]
    assert told == [16, 32]
    shares = session.history.summaries[-1].instruments
    assert sum(shares.values()) == pytest.approx(1)
    session.reconfigure(instruments=["budget"])
    assert session.advance(steps=1)[0].instruments == {}


@pytest.mark.parametrize(
    ("was", "becomes", "told"),
    [
        (
            "torch.cat([norms, norms.mean()[None]])",
            "norms",
            "'length' .* needs 4 values, one .* all",
        ),
        ('"length": I', '"le.ngth": I', "a text without a dot, not 'le.ngth'"),
        (
            'Instrument("Length of features", "Their mean norm.", lines=("all",))',
            "3",
            "must be a .*, not 3",
        ),
    ],
    ids=["too few values", "a dot", "no instrument"],
)
def test_faulty_instruments_are_told_before_training(was, becomes, told, lab):
    assert was in HEADED
    with pytest.raises(mla.ConfigError, match=told):
        session_of(lab, HEADED.replace(was, becomes), "length")


def test_instruments_must_have_names(lab):
    code = BARE.replace('{"seen": Instrument("Seen", "Parts so far.")}', '["seen"]')
    with pytest.raises(mla.ConfigError, match="must map names to instruments, not"):
        session_of(lab, code)


@pytest.mark.parametrize("value", ["float('nan')", "'many'", "True"])
def test_what_is_no_number_is_refused(value, lab):
    with pytest.raises(mla.ConfigError, match=r"finite numbers under .*not 'seen\.m0'"):
        session_of(lab, BARE.replace("float(self.count)", value), "seen")
