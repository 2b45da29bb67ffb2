"""A configuration is checked once, frozen, written as JSON and hashed."""

import dataclasses
import json

import pytest

from mla_core import ConfigError, ExperimentConfig, TrainingSession, load_dataset, metrics

NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("dataset", "mnist"),
        ("dataset", None),
        ("dataset", ["gaussian"]),
        ("method", "late"),
        ("optimizer", "adam"),
        ("learning_rate_schedule", "linear"),
        ("pairing", "unpaired"),
        ("head_gradient", "papre"),
        ("alpha_schedule", "decay"),
        ("projection", "weights"),
        ("fusion", "attention"),
        ("order", "sequential"),
        ("order", 5),
        ("order", None),
        ("order", ("a", 3)),
        ("seed", -1),
        ("seed", 0.0),
        ("seed", True),
        ("seed", "0"),
        ("epochs", 0),
        ("epochs", -3),
        ("epochs", 2.0),
        ("epochs", True),
        ("epochs", None),
        ("batch_size", 0),
        ("batch_size", 64.0),
        ("feature_size", 0),
        ("evaluate_every", -1),
        ("probe_size", 0),
        ("learning_rate", 0.0),
        ("learning_rate", -0.1),
        ("learning_rate", NAN),
        ("learning_rate", INF),
        ("learning_rate", True),
        ("learning_rate", "0.1"),
        ("alpha", 0),
        ("alpha", -0.1),
        ("alpha", NAN),
        ("alpha", INF),
        ("weight_decay", -1e-9),
        ("weight_decay", NAN),
        ("weight_decay", INF),
        ("momentum", -0.1),
        ("momentum", 1.0),
        ("momentum", NAN),
        ("encoder", "frozen"),
        ("reset", "step"),
        ("stopping", "early"),
        ("label_noise", -0.1),
        ("label_noise", 1.0),
        ("label_noise", NAN),
        ("label_noise", True),
        ("modalities", "audio"),
        ("modalities", ("a", "a")),
        ("modalities", ("a", 3)),
        ("modalities", 1),
        ("missing", 0.3),
        ("method_options", ["strength"]),
    ],
)
def test_a_bad_value_is_refused_with_its_field(field, value):
    with pytest.raises(ConfigError) as caught:
        ExperimentConfig(**{field: value})
    assert field in str(caught.value)
    assert repr(value) in str(caught.value)


@pytest.mark.parametrize(
    ("field", "value", "allowed"),
    [
        ("dataset", "mnist", "'gaussian'"),
        ("method", "late", "'concat'"),
        ("head_gradient", "papre", "'paper_previous'"),
        ("fusion", "attention", "'released_batch'"),
        ("order", "sequential", "'random'"),
        ("epochs", 0, "at least 1"),
        ("alpha", 0, "above 0"),
        ("momentum", 1.0, "below 1"),
    ],
)
def test_the_message_says_what_is_allowed(field, value, allowed):
    with pytest.raises(ConfigError, match=allowed):
        ExperimentConfig(**{field: value})


@pytest.mark.parametrize(
    "values",
    [
        {"learning_rate": 1},
        {"weight_decay": 0},
        {"momentum": 0},
        {"order": ["a", "b"]},
        {"seed": 0},
    ],
)
def test_values_at_the_border_are_accepted(values):
    ExperimentConfig(**values)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"noises": [1]}, r"'gaussian' has no option 'noises'.*'noise'"),
        ({"noise": {1, 2}}, "dataset_options must hold plain JSON values"),
        ({"noise": [NAN]}, "dataset_options must hold plain JSON values"),
        (5, "dataset_options must map names to values, not 5"),
    ],
)
def test_a_bad_dataset_option_is_refused(options, message):
    with pytest.raises(ConfigError, match=message):
        ExperimentConfig(dataset="gaussian", dataset_options=options)


def test_a_configuration_cannot_be_changed():
    config = ExperimentConfig()
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.epochs = 3


def test_nobody_outside_holds_a_part_of_a_configuration():
    noise, order = [0.1, 0.2, 0.3], ["m0", "m1", "m2"]
    config = ExperimentConfig(dataset="gaussian", dataset_options={"noise": noise}, order=order)
    named = config.hash
    noise.append(9.0)
    order.clear()
    values = config.to_dict()
    values["dataset_options"]["noise"].append(9.0)
    values["order"].clear()
    assert config.hash == named


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"dataset": "gaussian", "dataset_options": {"sizes": (30, 10, 10), "noise": [1, 2, 0.5]}},
        {"order": ["audio", "text"], "alpha": 0.1 + 0.2},
    ],
)
def test_json_gives_the_same_configuration_back(changes):
    config = ExperimentConfig(**changes)
    back = ExperimentConfig.from_dict(json.loads(json.dumps(config.to_dict())))
    assert back == config
    assert back.hash == config.hash


def test_the_hash_does_not_depend_on_the_order_of_keys():
    config = ExperimentConfig(dataset="gaussian", dataset_options={"dim": 3, "classes": 4})
    values = dict(reversed(config.to_dict().items()))
    values["dataset_options"] = {"classes": 4, "dim": 3}
    assert ExperimentConfig.from_dict(values).hash == config.hash


OTHER = {
    "dataset": "gaussian",
    "dataset_options": {"noise": [1.0, 1.0, 1.0]},
    "method": "concat",
    "optimizer": "adamw",
    "learning_rate_schedule": "cosine",
    "order": "random",
    "pairing": "independent",
    "head_gradient": "off",
    "alpha_schedule": "run_decay",
    "projection": "update",
    "fusion": "uniform",
    "momentum": 0.8,
    "encoder": "none",
    "reset": "round",
    "modalities": ("m0",),
    "missing": {"test": 0.5},
    "method_options": {"absent": "zeros"},
    "label_noise": 0.5,
    "stopping": "best",
    "encoders": {"image": "resnet18"},
    "device": "cpu",
    "head_device": "same",
    "precision": "float32",
    "temperature": "fitted",
    "metrics": ("one",),
    "instruments": ("budget",),
}


@pytest.mark.parametrize("field", [f.name for f in dataclasses.fields(ExperimentConfig)])
def test_every_field_changes_the_hash(field):
    metrics.register("one")(lambda _: 1.0)
    config = ExperimentConfig(method="sum" if field == "method_options" else "mla")
    now = getattr(config, field)
    changed = config.replace(**{field: OTHER.get(field) or now * 2 or 1})
    assert changed != config
    assert changed.hash != config.hash
    assert len(changed.hash) == 12


@pytest.mark.parametrize(
    ("whole", "real"),
    [
        ({"alpha": 1}, {"alpha": 1.0}),
        ({"learning_rate": 1}, {"learning_rate": 1.0}),
        ({"weight_decay": 1}, {"weight_decay": 1.0}),
        ({"label_noise": 0}, {"label_noise": 0.0}),
        ({"missing": {"train": 1}}, {"missing": {"train": 1.0}}),
        ({"missing": {"val": {"a": 0}}}, {"missing": {"val": {"a": 0.0}}}),
        (
            {"method": "ogm_ge", "method_options": {"strength": 1, "noise": True}},
            {"method": "ogm_ge", "method_options": {"strength": 1.0, "noise": True}},
        ),
        ({"modalities": ["a", "b"]}, {"modalities": ("a", "b")}),
    ],
    ids=str,
)
def test_equal_configurations_have_equal_hashes(whole, real):
    one, two = ExperimentConfig(**whole), ExperimentConfig(**real)
    assert one == two
    assert one.hash == two.hash


@pytest.mark.parametrize(
    ("method", "options", "message"),
    [
        ("mla", {"strength": 0.3}, "method 'mla' has no option 'strength': it has none"),
        ("ogm_ge", {"strnegth": 1}, r"no option 'strnegth': choose among .*'strength'.*'until'"),
        ("ogm_ge", {"strength": "much"}, "'strength' of 'ogm_ge' must be like 0.5, not 'much'"),
        ("ogm_ge", {"strength": True}, "must be like 0.5, not True"),
        ("ogm_ge", {"noise": 1}, "must be like True, not 1"),
        ("sum", {"absent": "ignored"}, r"unknown option 'absent'.*'ignored'.*'left_out', 'zeros'"),
        ("sum", {"absent": 0}, "must be like 'left_out', not 0"),
        ("qmf", {"margin": "both"}, r"unknown option 'margin' of.*'both'.*'paper', 'released'"),
        ("qmf", {"absent": "ignored"}, r"unknown option 'absent' of.*'left_out', 'zeros'"),
        ("qmf", {"regularisation": NAN}, "method_options must hold plain JSON values"),
    ],
)
def test_a_bad_method_option_is_refused(method, options, message):
    with pytest.raises(ConfigError, match=message):
        ExperimentConfig(method=method, method_options=options)


@pytest.mark.parametrize(
    ("missing", "message"),
    [
        ({"dev": 0.5}, r"split in missing 'dev'.*'train', 'val', 'test'"),
        ({"train": 1.5}, r"missing\['train'\] must be a rate from 0 to 1.*1.5"),
        ({"train": -0.1}, "rate from 0 to 1"),
        ({"train": True}, "rate from 0 to 1"),
        ({"train": None}, "rate from 0 to 1"),
        ({"val": {"audio": 2}}, r"missing\['val'\].*{'audio': 2}"),
        ({"train": NAN}, "missing must hold plain JSON values"),
    ],
)
def test_a_bad_missing_rate_is_refused(missing, message):
    with pytest.raises(ConfigError, match=message):
        ExperimentConfig(missing=missing)


@pytest.mark.parametrize(
    "use", [ExperimentConfig().replace, lambda **v: ExperimentConfig.from_dict(v)]
)
@pytest.mark.parametrize(
    ("name", "close"),
    [("epoch", "epochs"), ("learning_rte", "learning_rate"), ("headgradient", "head_gradient")],
)
def test_an_unknown_name_suggests_the_close_one(use, name, close):
    with pytest.raises(ConfigError, match=f"unknown parameter '{name}': did you mean '{close}'"):
        use(**{name: 1})


def test_an_unknown_name_like_none_lists_them_all():
    with pytest.raises(ConfigError, match=r"'zzz': known are .*epochs.*fusion"):
        ExperimentConfig().replace(zzz=1)


def test_replace_changes_a_copy_and_checks_it():
    config = ExperimentConfig()
    assert config.replace(alpha=0.01).alpha == 0.01
    assert config.alpha == 0.1
    with pytest.raises(ConfigError, match=r"alpha .*-1"):
        config.replace(alpha=-1)


def test_what_shapes_the_network_or_the_data_is_not_live():
    live = ExperimentConfig.live_fields()
    assert {"head_gradient", "alpha", "learning_rate", "fusion", "epochs"} <= live
    fixed = {"dataset", "dataset_options", "method", "seed", "batch_size", "feature_size"}
    fixed |= {"optimizer", "order", "pairing", "evaluate_every", "probe_size", "stopping"}
    fixed |= {"modalities", "missing", "label_noise", "method_options", "encoder"}
    fixed |= {
        "encoders",
        "device",
        "head_device",
        "precision",
        "averaging",
        "temperature",
        "metrics",
    }
    assert not fixed & live
    assert fixed | live == {f.name for f in dataclasses.fields(ExperimentConfig)}


def test_a_data_seed_that_follows_the_runs_seed():
    config = ExperimentConfig(dataset="gaussian", dataset_options={"seed": "run"}, seed=3)
    assert config.data_options() == {"seed": 3}
    assert config.to_dict()["dataset_options"] == {"seed": "run"}
    first, second = (TrainingSession(config.replace(seed=s)).data.fingerprint for s in (3, 4))
    assert first == load_dataset("gaussian", seed=3).fingerprint != second
