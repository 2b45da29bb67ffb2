"""Models of `transformers` as encoders: small ones of the real classes, through the real code."""

import shutil
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from mla_core import ConfigError, ExperimentConfig, TrainingSession, run_experiment
from mla_core.analysis.report import report_of
from mla_core.catalogue import METHODS, method_class
from mla_core.data.samples.split import Modality
from mla_core.data.samples.tokens import Tokenizer
from mla_core.encoders.choice import EncoderChoice
from mla_core.encoders.inputs import PerFrame
from mla_core.encoders.pretrained import load_pretrained
from mla_core.records.checkpoint import load_snapshot, save_snapshot

FITS = {
    ("vit", "image"): 16,
    ("vit", "grey"): 16,
    ("vit", "video"): 16,
    ("vit", "audio"): 16,
    ("resnet", "image"): 16,
    ("ast", "audio"): 16,
    ("wav2vec2", "wave"): 16,
    ("bert", "text"): 16,
    ("masked", "text"): 16,
    ("t5", "text"): 16,
    ("clip", "image"): 10,
    ("clip", "video"): 10,
    ("clip", "text"): 10,
    ("siglip", "image"): 16,
    ("siglip", "text"): 16,
}
SETTINGS = {"batch_size": 8, "probe_size": 9, "learning_rate": 0.01, "feature_size": 12}


def config_of(models, **entries):
    """Return settings: `bert_frozen` stands for the model bert, frozen."""
    encoders = {}
    for modality, entry in entries.items():
        name, _, mode = entry.partition("_")
        encoders[modality] = {"name": models(name), "train": mode or "full"}
    return ExperimentConfig(encoders=encoders, epochs=1, **SETTINGS)


@pytest.mark.parametrize(("model", "modality"), FITS)
def test_a_model_reads_the_modality_that_it_is_for(model, modality, models, make_media):
    data = make_media(modality)
    encoder = load_pretrained(EncoderChoice(models(model)), data.modalities[modality]).eval()
    x = data.split("train").inputs[modality][:5]
    features = encoder(x)
    assert features.shape == (5, FITS[model, modality])
    torch.testing.assert_close(encoder(x[3:4]), features[3:4], rtol=1e-4, atol=1e-5)
    assert not torch.allclose(features[0], features[1], atol=1e-4)
    (features**2).sum().backward()
    inner = encoder.network if isinstance(encoder, PerFrame) else encoder
    assert all(p.grad is not None for p in inner.blocks[-1].parameters())
    assert torch.isfinite(encoder(torch.zeros_like(x))).all()  # as an absent part is


def reference(models, model, cls, **given):
    import transformers

    with torch.no_grad():
        return getattr(transformers, cls).from_pretrained(models(model)).eval()(**given)


def test_a_texts_features_are_the_mean_over_its_tokens(models, make_media):
    encoder = load_pretrained(EncoderChoice(models("bert")), make_media("text").modalities["text"])
    codes = torch.tensor([[5, 9, 1, 0, 0, 0, 0]])
    ids = torch.tensor([[4, 8, 0]])
    states = reference(models, "bert", "BertModel", input_ids=ids).last_hidden_state
    torch.testing.assert_close(encoder.eval()(codes), states.mean(1))


def test_clips_features_are_its_own_embeddings(models, make_media):
    data = make_media("image", "text")
    x = {m: data.split("val").inputs[m][:2] for m in data.modalities}
    x["text"] = x["text"].clamp(min=4)  # no padding, and not the mark of the end
    found = {
        m: load_pretrained(EncoderChoice(models("clip")), data.modalities[m]).eval()(x[m])
        for m in x
    }
    whole = reference(
        models, "clip", "CLIPModel", pixel_values=(x["image"] - 0.5) / 0.5, input_ids=x["text"] - 1
    )
    for m, embeds in (("image", whole.image_embeds), ("text", whole.text_embeds)):
        torch.testing.assert_close(torch.nn.functional.normalize(found[m]), embeds)


def test_pictures_are_resized_and_standardised_as_the_models_files_say(
    models, make_media, tmp_path
):
    folder = shutil.copytree(models("vit"), tmp_path / "vit")
    (folder / "preprocessor_config.json").write_text(
        '{"image_mean": [0.1, 0.2, 0.3], "image_std": [0.5, 0.6, 0.7]}'
    )
    plain = load_pretrained(EncoderChoice(str(folder)), Modality("a", "image", (3, 16, 16)))
    large = load_pretrained(EncoderChoice(str(folder)), Modality("a", "image", (3, 32, 32)))
    x = torch.rand(2, 3, 1, 1)
    expected = (x - torch.tensor([[[0.1]], [[0.2]], [[0.3]]])) / torch.tensor(
        [[[0.5]], [[0.6]], [[0.7]]]
    )
    for encoder, side in ((plain, 16), (large, 32)):
        seen = encoder.inputs(x.expand(-1, -1, side, side))
        torch.testing.assert_close(seen, expected.expand(-1, -1, 16, 16))


@pytest.mark.parametrize("frames", [10, 24, 40])
def test_clips_of_any_length_fit_a_spectrogram_transformer(frames, models):
    modality = Modality("a", "spectrogram", (1, 16, frames))
    encoder = load_pretrained(EncoderChoice(models("ast")), modality)
    x = 100 + 9 * torch.randn(3, 1, 16, frames)
    seen = encoder.inputs(x)
    assert seen.shape == (3, 24, 16)
    kept = seen[:, : min(frames, 24)]
    assert (seen[:, frames:] == 0).all()
    assert abs(float(kept.mean())) < 0.2
    assert 0.3 < float(kept.std()) < 0.7
    torch.testing.assert_close(seen, encoder.inputs(x / 50 - 3))  # whatever the scale


# ------------------------------------------------------------------------------- what is refused

WRONG = {
    ("bert", "image"): r"bert model, which reads the tokens of a text.*'image' is image of shape",
    ("bert", "letters"): r"is characters of shape \(7,\): make tokens.*Tokenizer\('",
    ("vit", "text"): "vit model, which reads images or the frames of videos or spectrograms",
    ("ast", "image"): "reads spectrograms, but modality 'image'",
    ("ast", "wave"): "reads spectrograms",
    ("wav2vec2", "audio"): "wav2vec2 model, which reads waveforms, but",
    ("clip", "wave"): "clip model, which reads images or the tokens of a text",
    ("clip", "numbers"): "but modality 'numbers' is vector",
    ("whisper", "audio"): "whisper model, which reads input_features",
}


@pytest.mark.parametrize(("model", "modality"), WRONG)
def test_the_wrong_kind_of_model_is_refused(model, modality, models, make_media):
    with pytest.raises(ConfigError, match=WRONG[model, modality]) as caught:
        TrainingSession(config_of(models, **{modality: model}), make_media(modality))
    assert models(model) in str(caught.value)


@pytest.mark.parametrize(
    ("model", "modality", "message"),
    [
        ("bert", Modality("a", "tokens", (13,), vocabulary_size=50), "at most 12 tokens.*has 13"),
        ("bert", Modality("a", "tokens", (9,), vocabulary_size=51), "knows 50 tokens.*has 51"),
        ("ast", Modality("a", "spectrogram", (1, 24, 30)), "16 mel bands.*has 24: prepare"),
        ("vit", Modality("a", "image", (2, 16, 16)), "reads 3 channels, but modality 'a' has 2"),
        ("wav2vec2", Modality("a", "sequence", (2, 300)), "one channel, but 'a' has 2"),
    ],
)
def test_the_wrong_size_is_refused_with_the_right_one(model, modality, message, models):
    with pytest.raises(ConfigError, match=message):
        load_pretrained(EncoderChoice(models(model)), modality)


IMAGE = Modality("image", "image", (3, 16, 16))
TEXT = Modality("text", "tokens", (7,), vocabulary_size=50)


def test_a_folder_that_is_not_there_is_named(tmp_path):
    for name in (str(tmp_path / "none"), "./none", "~/no/such/folder"):
        with pytest.raises(ConfigError, match=f"there is no folder {name!r}"):
            load_pretrained(EncoderChoice(name), IMAGE)


def test_a_folder_without_a_model_is_refused(tmp_path, models):
    with pytest.raises(ConfigError, match=r"cannot load .*config.json and model.safetensors"):
        load_pretrained(EncoderChoice(str(tmp_path)), IMAGE)
    shutil.copy(Path(models("vit")) / "config.json", tmp_path)
    with pytest.raises(ConfigError, match=r"cannot load .*no file named model.safetensors"):
        load_pretrained(EncoderChoice(str(tmp_path)), IMAGE)
    (tmp_path / "model.safetensors").write_bytes(b"cut off")
    with pytest.raises(ConfigError, match=f"cannot load the pretrained model {str(tmp_path)!r}"):
        load_pretrained(EncoderChoice(str(tmp_path)), IMAGE)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(ConfigError, match="cannot load"):
        load_pretrained(EncoderChoice(str(tmp_path)), IMAGE)


def test_a_name_is_looked_for_on_the_hub(monkeypatch):
    import huggingface_hub

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(ConfigError, match=r"'resnet81'.*connect.*encoders are 'small', 'none'"):
        load_pretrained(EncoderChoice("resnet81"), IMAGE)


def test_pickled_weights_are_refused_unless_allowed(models):
    with pytest.raises(ConfigError, match=r"'pytorch_model.bin', which can run any code.*allow_"):
        load_pretrained(EncoderChoice(models("pickled")), TEXT)
    allowed = load_pretrained(EncoderChoice(models("pickled"), allow_pickle=True), TEXT)
    assert allowed(torch.ones(1, 7, dtype=torch.int64)).shape == (1, 16)


def test_weights_that_are_not_in_the_file_are_no_weights(models):
    with pytest.raises(ConfigError, match=r"lack 'encoder.layer.2.* would be random"):
        load_pretrained(EncoderChoice(models("half")), TEXT)


def test_more_layers_than_there_are(models, make_media):
    entry = {"name": models("bert"), "train": "last", "layers": 4}
    with pytest.raises(ConfigError, match=r"encoders\['text'\].*layers must be at most 3.*not 4"):
        TrainingSession(ExperimentConfig(encoders={"text": entry}), make_media("text"))


def test_code_from_the_hub_is_never_run(tmp_path):
    (tmp_path / "config.json").write_text(
        '{"model_type": "own", "auto_map": {"AutoConfig": "code.Own", "AutoModel": "code.Own"}}'
    )
    (tmp_path / "code.py").write_text(f"open({str(tmp_path / 'harm')!r}, 'w')")
    with pytest.raises(ConfigError, match="cannot load"):
        load_pretrained(EncoderChoice(str(tmp_path)), IMAGE)
    assert not (tmp_path / "harm").exists()


def test_without_the_package_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(ConfigError, match=r"needs the package transformers: pip install .*'small'"):
        load_pretrained(EncoderChoice("google/vit"), IMAGE)
    with pytest.raises(ConfigError, match="needs the package transformers"):
        Tokenizer("google/vit")


# -------------------------------------------------------------------------- frozen, last, full


def moved(session, modality, bits):
    body = session.method.model.encoders[modality].body
    before = bits(body.state_dict())
    list(session)
    after = bits(body.state_dict())
    return {name for name in before if before[name] != after[name]}, set(before)


def test_full_fine_tuning_moves_every_layer(models, make_media, bits):
    session = TrainingSession(config_of(models, image="vit"), make_media("image"))
    changed, every = moved(session, "image", bits)
    assert {name.split(".")[2] for name in every if "layers" in name} == {"0", "1", "2"}
    assert len(changed) > 0.9 * len(every)


@pytest.mark.parametrize(("model", "modality"), [("vit", "image"), ("bert", "text")])
def test_last_moves_the_last_layers_and_what_follows(model, modality, models, make_media, bits):
    entry = {"name": models(model), "train": "last", "layers": 2}
    config = ExperimentConfig(encoders={modality: entry}, epochs=1, **SETTINGS)
    changed, _ = moved(TrainingSession(config, make_media(modality)), modality, bits)
    assert changed
    assert not any("embeddings" in n or "layer.0" in n or "layers.0" in n for n in changed)
    assert any("layer.1" in n or "layers.1" in n for n in changed)


def test_a_frozen_model_is_asked_once_for_every_sample(models, make_media, monkeypatch):
    data = make_media("image", "text", missing=0.5, sizes=(24, 12, 9))
    config = config_of(models, image="vit_frozen", text="bert_frozen").replace(epochs=3)
    session = TrainingSession(config, data)
    asked = {"image": 0, "text": 0}
    for m, encoder in session.method.model.adapted.items():
        whole = encoder.observe

        def observe(x, m=m, whole=whole):
            asked[m] += len(x)
            return whole(x)

        monkeypatch.setattr(encoder, "observe", observe)
    list(session)
    session.evaluate("test")
    session.evaluate("val")
    for row, m in enumerate(asked):
        parts = sum(int(data.split(side).present[row].sum()) for side in ("train", "val", "test"))
        assert parts <= asked[m] <= parts + 3  # and a part of zeros, once for each call
    before = dict(asked)
    report_of(session)
    twin = session.fork()
    assert (
        twin.method.model.adapted["image"]._held[0]
        is session.method.model.adapted["image"]._held[0]
    )
    list(twin)
    # A part of zeros alone: for subsets and for missing rates, on two splits.
    assert {m: asked[m] - before[m] for m in asked} == {"image": 4, "text": 4}


def test_a_frozen_model_gives_what_a_trained_one_would_in_its_place(models, make_media):
    data = make_media("image", "text")
    frozen = TrainingSession(config_of(models, image="vit_frozen", text="bert_frozen"), data)
    full = TrainingSession(config_of(models, image="vit", text="bert"), data)
    for side in ("val", "test"):
        one, two = frozen.evaluate(side), full.evaluate(side)
        torch.testing.assert_close(one.fused, two.fused, rtol=1e-4, atol=1e-5)


def test_a_frozen_model_is_no_part_of_what_is_saved(models, make_media):
    session = TrainingSession(config_of(models, text="bert_frozen"), make_media("text"))
    names = session.method.state_dict()
    assert {n for n in names if n.startswith("model.encoders")} == {
        "model.encoders.text.projection.weight",
        "model.encoders.text.projection.bias",
    }


# In turn, jointly, alone; who trains a modality anew, drops some, or asks for a second pass.
DIFFERENT = {"mla", "concat", "unimodal", "relearning", "remix", "qmf", "ogm_ge"}
OTHERS = [pytest.param(name, marks=pytest.mark.long) for name in METHODS if name not in DIFFERENT]


@pytest.mark.parametrize("method", [*sorted(DIFFERENT), *OTHERS])
def test_every_method_learns_with_pretrained_encoders_of_all_kinds(method, models, make_media):
    entries = {"image": "clip", "audio": "ast_last", "text": "bert_frozen", "wave": "wav2vec2_last"}
    if method_class(method).least_modalities == 1 and method == "unimodal":
        entries = {"image": "clip"}
    data = make_media(*entries, missing=0.2, sizes=(24, 9, 9))
    config = config_of(models, **entries).replace(method=method, epochs=4, optimizer="adamw")
    session = TrainingSession(config, data)
    losses = [record.loss for record in session]
    if method != "pmr":  # whose loss has a term more from the second epoch on
        assert sum(losses[-4:]) < sum(losses[:4])
    evaluation = session.evaluate("test")
    assert torch.isfinite(evaluation.fused).all()
    assert evaluation.features.shape == (len(entries), 9, 12)


def test_dropout_is_the_same_however_training_is_driven(models, make_media, assert_same):
    data = make_media("text", "wave")  # both drop out
    config = config_of(models, text="bert", wave="wav2vec2_last").replace(epochs=2)
    torch.manual_seed(1)
    whole = TrainingSession(config, data)
    list(whole)
    torch.manual_seed(2)
    parts = TrainingSession(config, data)
    parts.advance(steps=3)
    early = parts.snapshot()
    parts.advance(steps=2)
    parts.restore(early)
    twin = parts.fork()
    for session in (parts, twin):
        list(session)
        assert_same(session, whole)
    drawn = torch.rand(1)
    torch.manual_seed(2)
    assert torch.equal(torch.rand(1), drawn)  # nobody else's numbers are touched


def test_dropout_does_drop_out_in_training_alone(models, make_media):
    session = TrainingSession(config_of(models, text="bert"), make_media("text"))
    model, x = session.method.model, session.data.split("val").inputs
    one, two = model.encode("text", x["text"]), model.encode("text", x["text"])
    assert not torch.allclose(one, two)
    assert torch.equal(model.features(x), model.features(x))


def test_the_size_follows_the_largest_encoder(models, make_media):
    config = config_of(models, image="clip", text="bert").replace(feature_size="encoder")
    session = TrainingSession(config, make_media("image", "text", "numbers"))
    assert session.method.feature_size == 16
    shapes = {
        m: tuple(e.projection.weight.shape) if hasattr(e.projection, "weight") else ()
        for m, e in session.method.model.adapted.items()
    }
    assert shapes == {"image": (16, 10), "text": ()}  # fmt: skip
    session.advance(steps=3)
    assert session.evaluate("val").features.shape == (3, 12, 16)


def test_a_run_folder_is_written_and_a_checkpoint_goes_on(
    models, make_media, tmp_path, assert_same
):
    data = make_media("image", "text", "wave")
    config = config_of(models, image="clip", text="bert_frozen", wave="wav2vec2_last")
    folder = run_experiment(config, tmp_path, data=data)
    saved = load_file(folder / "model.safetensors")
    assert any(name.startswith("encoders.image.body.") for name in saved)
    assert not any(name.startswith("encoders.text.body.") for name in saved)
    whole, cut = (TrainingSession(config, data) for _ in range(2))
    list(whole)
    cut.advance(steps=4)
    save_snapshot(cut.snapshot(), tmp_path / "checkpoints")
    again = TrainingSession(config, data)
    again.restore(load_snapshot(tmp_path / "checkpoints"))
    list(again)
    assert_same(again, whole)
