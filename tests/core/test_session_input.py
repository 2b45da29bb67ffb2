"""What a person hands to a session by mistake is refused in a sentence, and nothing has changed."""

import pytest

from mla_core import ConfigError, DataError, TrainingSession, load_dataset, run_experiment
from mla_core.runs.experiment import train

NAN, INF = float("nan"), float("inf")


@pytest.fixture(scope="module")
def session(tiny):
    session = TrainingSession(tiny())
    session.advance(steps=2)
    return session


@pytest.fixture
def unchanged(session, bits):
    """Whether all is as it was, once the test is over."""
    before = session.step, session.config, bits(session.method.state_dict())
    looks = len(session.history.summaries)
    yield
    assert (session.step, session.config, bits(session.method.state_dict())) == before
    assert len(session.history.summaries) == looks
    assert session.method.config == session.config


NO_CONFIG = [{"dataset": "gaussian"}, None, 5, "gaussian"]


@pytest.mark.parametrize("config", NO_CONFIG)
def test_a_configuration_is_needed(config, tmp_path):
    for door in (TrainingSession, train, lambda c: run_experiment(c, tmp_path)):
        with pytest.raises(ConfigError, match=r"must be an ExperimentConfig.*from_dict"):
            door(config)


@pytest.mark.parametrize("data", [5, {}, [1], "gaussian"])
def test_data_are_a_data_set(data, tiny, tmp_path):
    for door in (TrainingSession, lambda c, d: run_experiment(c, tmp_path, data=d)):
        with pytest.raises(ConfigError, match=r"must be a MultimodalDataset.*load_dataset"):
            door(tiny(), data)


def test_encoders_are_a_mapping(tiny):
    with pytest.raises(ConfigError, match="encoders must map modalities to modules, not 5"):
        TrainingSession(tiny(), encoders=5)


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        *(({name: value}, f"^{name} must be a whole number of at least 0, or None, not ")
            for name in ("steps", "epochs")
            for value in ("a", "1", 1.5, 0.5, -1, True, [1], NAN, INF)),
        *(({"seconds": value}, "^seconds must be a number of at least 0, or None, not ")
            for value in ("a", -1, -0.1, True, [1], NAN)),
        ({"steps": 1, "seconds": NAN}, "^seconds must be"),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("unchanged")
def test_a_limit_that_is_none_trains_nothing(limits, message, session):
    with pytest.raises(ConfigError, match=message):
        session.advance(**limits)


@pytest.mark.parametrize("limits", [{"steps": 0}, {"epochs": 0}, {"steps": 0, "seconds": INF}])
@pytest.mark.usefixtures("unchanged")
def test_nothing_is_as_far_as_none(limits, session):
    assert session.advance(**limits) == []


@pytest.mark.parametrize("split", [3, None, {}, True, ["val"], "tset"])
@pytest.mark.usefixtures("unchanged")
def test_a_split_has_a_name(split, session):
    with pytest.raises(DataError, match=r"unknown split .*choose one of"):
        session.evaluate(split)


@pytest.mark.parametrize("snapshot", [None, 5, {}, "snapshot"])
@pytest.mark.usefixtures("unchanged")
def test_a_snapshot_is_one_of_ours(snapshot, session):
    with pytest.raises(ConfigError, match=r"must be what TrainingSession\.snapshot returns, not"):
        session.restore(snapshot)
    if snapshot is not None:
        with pytest.raises(ConfigError, match="a snapshot must be"):
            session.fork(snapshot)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seed": 5}, "of a session with seed=5, but here it is 0"),
        ({"method": "concat"}, "of a session with method='concat'"),
    ],
)
@pytest.mark.usefixtures("unchanged")
def test_a_snapshot_of_another_configuration_changes_nothing(changes, message, session, tiny):
    other = TrainingSession(tiny(**changes)).snapshot()
    for door in (session.restore, session.fork):
        with pytest.raises(ConfigError, match=message):
            door(other)


@pytest.mark.usefixtures("unchanged")
def test_a_snapshot_of_other_data_changes_nothing(session, tiny):
    config = tiny(head_gradient="off", learning_rate=0.5)
    options = dict(config.dataset_options) | {"dim": 23}
    other = TrainingSession(config, load_dataset("gaussian", **options))
    other.advance(steps=1)
    for door in (session.restore, session.fork):
        with pytest.raises(
            ConfigError, match=r"with other data or other encoders: .*size mismatch"
        ):
            door(other.snapshot())
