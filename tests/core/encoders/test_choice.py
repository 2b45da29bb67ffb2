"""The entries of `encoders`: checked once, written shortest, and of no effect on older names."""

import hashlib
import json

import pandas as pd
import pytest

from mla_core import ConfigError, ExperimentConfig, TrainingSession
from mla_core.encoders.choice import EncoderChoice, choice_of
from mla_core.results.files import collect
from mla_core.results.names import with_names

RESNET = {"name": "resnet18", "weights": "w.safetensors"}


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (None, r"encoders\['a'\] must be a name or .*not None: choose one of 'small', 'none'"),
        (7, "must be a name or"),
        ({"train": "full"}, "must be a name or"),
        (["resnet18"], "must be a name or"),
        ("", "name of encoders\\['a'\\] must be a name, not ''"),
        ({"name": "x", "trian": "full"}, r"unknown option in encoders\['a'\]: 'trian'.*'train'"),
        ({"name": "x", "train": "half"}, r"train of encoders\['a'\]: 'half'.*'last', 'frozen'"),
        ({"name": "x", "train": True}, "train of encoders\\['a'\\] must be like 'full', not True"),
        ({"name": "x", "train": "last", "layers": 0}, "layers must be at least 1, not 0"),
        ({"name": "x", "train": "last", "layers": 1.5}, "layers .* must be like 1, not 1.5"),
        ({"name": "x", "train": "last", "layers": True}, "layers .* must be like 1, not True"),
        ({"name": "x", "layers": 2}, "layers=2 needs train='last'"),
        ({"name": "x", "weights": "w"}, "weights are for 'resnet18', not for 'x'"),
        ({"name": "x", "allow_pickle": 1}, "allow_pickle .* must be like False, not 1"),
        ({"name": "resnet18", "allow_pickle": True}, "allow_pickle is for a pretrained model"),
        ({"name": "small", "revision": "main"}, "revision is for a model on the Hub, not"),
        ({"name": "small", "train": "frozen"}, "would keep the random weights of 'small'"),
        ({"name": "none", "train": "last"}, "random weights of 'none': use 'full'"),
        ({"name": "resnet18", "train": "frozen"}, "random weights.*or name a file in weights"),
        ({"name": "x", "train": {1, 2}}, "encoders must hold plain JSON values"),
    ],
)
def test_a_bad_entry_is_refused(entry, message):
    with pytest.raises(ConfigError, match=message):
        ExperimentConfig(encoders={"a": entry})


def test_encoders_must_be_a_mapping():
    with pytest.raises(ConfigError, match="encoders must map names to values, not 'resnet18'"):
        ExperimentConfig(encoders="resnet18")


@pytest.mark.parametrize(
    ("long", "short"),
    [
        ({"name": "resnet18"}, "resnet18"),
        ({"name": "x/y", "train": "full", "layers": 1, "weights": "", "revision": ""}, "x/y"),
        (
            {"train": "last", "name": "x", "layers": 2, "allow_pickle": False},
            {"name": "x", "train": "last", "layers": 2},
        ),
        ({**RESNET, "train": "frozen"}, {**RESNET, "train": "frozen"}),
    ],
)
def test_equal_choices_are_written_alike(long, short):
    one, two = (ExperimentConfig(encoders={"a": entry}) for entry in (long, short))
    assert one == two
    assert one.hash == two.hash
    assert one.encoders == {"a": choice_of("a", short).to_json()}
    assert ExperimentConfig.from_dict(json.loads(json.dumps(one.to_dict()))) == one


def test_every_option_can_be_said_and_is_kept():
    said = {"name": "x", "train": "last", "layers": 3, "revision": "v1", "allow_pickle": True}
    assert choice_of("a", said) == EncoderChoice(**said)
    assert choice_of("a", said).to_json() == said


@pytest.mark.parametrize("values", [{}, {"seed": 3, "method": "sum", "label_noise": 0.1}])
def test_runs_are_named_as_they_were_before_there_were_encoders(values):
    config = ExperimentConfig(**values)
    then = config.to_dict()
    later = (
        "encoders",
        "device",
        "head_device",
        "precision",
        "averaging",
        "temperature",
        "metrics",
        "instruments",
    )
    for name in later:
        del then[name]
    text = json.dumps(then, sort_keys=True, separators=(",", ":"))
    assert config.hash == hashlib.sha256(text.encode()).hexdigest()[:12]


@pytest.mark.parametrize("size", [0, -1, 2.0, "128", "encoders", None])
def test_a_feature_size_is_a_number_or_the_encoders(size):
    with pytest.raises(ConfigError, match=r"feature_size.*'encoder'.*from 1 to 16384"):
        ExperimentConfig(feature_size=size)


def test_small_encoders_have_no_size_of_their_own(tiny):
    with pytest.raises(ConfigError, match=r"feature_size='encoder'.*give a number"):
        TrainingSession(tiny(feature_size="encoder"))


def test_an_encoder_for_nobody_is_refused(tiny):
    with pytest.raises(
        ConfigError, match=r"unknown modality in encoders 'image': choose one of 'm0', 'm1'"
    ):
        TrainingSession(tiny(encoders={"image": "small"}))


def test_an_encoder_may_wait_for_a_modality_that_is_left_out(tiny, make_media):
    config = ExperimentConfig(modalities=["numbers"], encoders={"image": "resnet18"}, epochs=1)
    session = TrainingSession(config, make_media("numbers", "image"))
    twin = session.fork()
    assert list(twin.method.model.encoders) == ["numbers"]


def test_one_modality_can_be_features_and_the_other_be_trained(make_media):
    config = ExperimentConfig(encoders={"numbers": "none"}, epochs=1, batch_size=8)
    session = TrainingSession(config, make_media("numbers", "letters"))
    list(session)
    counts = {m: len(list(e.parameters())) for m, e in session.method.model.encoders.items()}
    assert counts["numbers"] == 0 < counts["letters"]


def test_the_small_one_can_be_chosen_where_features_are_the_rule(make_media):
    config = ExperimentConfig(encoder="none", encoders={"letters": "small"}, epochs=1)
    session = TrainingSession(config, make_media("numbers", "letters"))
    assert not list(session.method.model.encoders["numbers"].parameters())


@pytest.mark.parametrize("method", ["mla", "concat"])
def test_videos_and_tokens_have_small_encoders(method, make_media):
    data = make_media("video", "text", "letters", sizes=(60, 12, 12))
    config = ExperimentConfig(method=method, epochs=10, batch_size=16, probe_size=12)
    session = TrainingSession(config, data)
    losses = [record.loss for record in session]
    assert sum(losses[-4:]) < sum(losses[:4])
    assert session.evaluate("val").features.shape == (3, 12, 128)


def test_a_small_video_encoder_does_not_care_for_the_order_of_frames(make_media):
    session = TrainingSession(ExperimentConfig(), make_media("video"))
    x = session.data.split("val").inputs["video"]
    encode = session.method.model.encoders["video"]
    assert encode(x).allclose(encode(x.flip(1)), atol=1e-6)
    assert not encode(x).allclose(encode(x.flip(2)), atol=1e-3)


def test_a_table_names_the_encoders_that_are_not_the_usual_ones():
    frozen = json.dumps({"image": {"name": "x/vit", "train": "frozen"}, "audio": "resnet18"})
    runs = pd.DataFrame(
        {"method": ["sum"] * 2, "dataset": ["emoji"] * 2, "encoders": ["{}", frozen]}
    )
    labels = with_names(runs)["label"].tolist()
    assert labels == ["sum", "sum (image by x/vit frozen, audio by resnet18)"]


def test_runs_from_before_and_after_stand_in_one_table(tmp_path):
    for name, settings in (("old", {"seed": 0}), ("new", {"seed": 1, "encoders": {"a": "small"}})):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "config.json").write_text(json.dumps({"method": "sum", **settings}))
        (folder / "metrics.json").write_text("{}")
    frame = collect(tmp_path, ["old", "new"])
    assert frame["encoders"].tolist() == ["{}", '{"a":"small"}']
    assert frame["device"].tolist() == ["auto", "auto"]
