"""Pretrained models of the package `transformers`, by name or folder, as encoders."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from mla_core.data.dataset import Modality
from mla_core.encoder_choice import BUILT_IN, EncoderChoice
from mla_core.encoder_inputs import FilterBanks, PerFrame, Picture, TokenIds, Waveform
from mla_core.errors import ConfigError

EXTRA = "pip install -e '.[transformers]'"

# Models of two modalities: which class is the part for one of them, and where its settings are.
# With a projection, since there the parts' features are of one size and comparable.
PARTS: dict[str, dict[str, tuple[str, str]]] = {
    "clip": {
        "image": ("CLIPVisionModelWithProjection", "vision_config"),
        "tokens": ("CLIPTextModelWithProjection", "text_config"),
    },
    "siglip": {
        "image": ("SiglipVisionModel", "vision_config"),
        "tokens": ("SiglipTextModel", "text_config"),
    },
}
READS = {
    "tokens": "the tokens of a text",
    "image": "images",
    "video": "the frames of videos",
    "spectrogram": "spectrograms",
    "sequence": "waveforms",
}


class PretrainedEncoder(nn.Module):
    """(B, ...) -> (B, d): one modality's numbers, through a model of `transformers`.

    Features are the model's projected embedding where it has one, else the mean of its last hidden
    states over all places; padding is left out.

    Parameters
    ----------
    network : Module
        The model.
    inputs : Module
        What stands before it, from `mla_core.encoder_inputs`.
    """

    def __init__(self, network: nn.Module, inputs: nn.Module) -> None:
        super().__init__()
        self.inputs = inputs
        self.network = network
        self.entry = str(getattr(network, "main_input_name", "input_ids"))

    @property
    def blocks(self) -> list[nn.Module]:
        """The layers that ``train="last"`` counts, in order: of all lists the heaviest."""
        lists = [m for m in self.network.modules() if isinstance(m, nn.ModuleList)]
        return list(max(lists, key=_weight, default=nn.ModuleList()))

    def forward(self, x: Tensor) -> Tensor:
        """Encode a batch."""
        given = self.inputs(x)
        if isinstance(given, tuple):
            ids, here = given
            return _pooled(self.network(input_ids=ids, attention_mask=here.long()), here)
        return _pooled(self.network(**{self.entry: given}), None)


def load_pretrained(choice: EncoderChoice, modality: Modality) -> nn.Module:
    """Return a pretrained model as the encoder of one modality.

    Parameters
    ----------
    choice : EncoderChoice
        Its name is a folder, or a model on the Hugging Face Hub that is downloaded once.
    modality : Modality
        tokens for text models and the text part of CLIP or SigLIP; images (also the frames of
        videos, and spectrograms) for image models and the image part; spectrograms for audio
        spectrogram transformers; sequences of one channel, a waveform, for wav2vec 2.0 and its
        like.

    Returns
    -------
    Module
        (B, ...) -> (B, d).

    Raises
    ------
    ConfigError
        When the package, the folder or the weights are missing, when the weights are pickled, or
        when the model is not for this kind of modality.
    """
    transformers = _transformers(choice.name)
    source = _source(choice.name)
    # Never any code from the Hub: a model that needs its own is refused.
    options: dict[str, Any] = {"revision": choice.revision or "main", "trust_remote_code": False}
    with _quiet(transformers):
        try:
            config = transformers.AutoConfig.from_pretrained(source, **options)
        except (OSError, ValueError, KeyError) as error:
            raise _unreadable(choice, error) from error
        cls, config = _part(transformers, config, choice, modality)
        if cls is transformers.AutoModel:
            options["trust_remote_code"] = False
        else:
            del options["trust_remote_code"]
        _refuse_pickles(choice, source)
        try:
            network, report = cls.from_pretrained(
                source,
                config=config,
                dtype=torch.float32,
                output_loading_info=True,
                use_safetensors=None if choice.allow_pickle else True,
                **options,
            )
        except (OSError, ValueError, RuntimeError, ImportError) as error:
            raise _unreadable(choice, error) from error
    # A pooler is random in files that come from pretraining alone, and nothing here reads it.
    lacking = sorted(k for k in report["missing_keys"] if not k.startswith("pooler."))
    if lacking:
        msg = (
            f"the weights of {choice.name!r} lack {lacking[0]!r} and {len(lacking) - 1} more of "
            f"{type(network).__name__}: they would be random. Choose another model"
        )
        raise ConfigError(msg)
    if getattr(network, "pooler", None) is not None:
        network.pooler = None
    if getattr(config, "is_encoder_decoder", False):
        network = network.get_encoder()
    if hasattr(config, "apply_spec_augment"):
        network.config.apply_spec_augment = False  # it draws from NumPy's global generator
    size = _size(transformers, source, choice, config)
    return _fitted(network, config, choice, modality, size)


def _transformers(name: str) -> Any:
    try:
        import transformers
    except ImportError as error:
        msg = (
            f"encoder {name!r} is a pretrained model, which needs the package transformers: "
            f"{EXTRA}. Without it there are {', '.join(map(repr, BUILT_IN))}"
        )
        raise ConfigError(msg) from error
    return transformers


def _source(name: str) -> str:
    """Return the folder that is meant, or the name on the Hub."""
    folder = Path(name).expanduser()
    if folder.is_dir():
        return str(folder)
    if name.startswith((".", "/", "~")) or name.count("/") > 1 or "\\" in name:
        msg = f"there is no folder {name!r} with a pretrained model"
        raise ConfigError(msg)
    return name


def _refuse_pickles(choice: EncoderChoice, source: str) -> None:
    """Refuse a folder whose weights are pickled, unless that is allowed."""
    folder = Path(source)
    if choice.allow_pickle or not folder.is_dir() or any(folder.glob("*.safetensors")):
        return
    if pickled := sorted(p.name for p in folder.iterdir() if p.suffix in {".bin", ".pt", ".pth"}):
        msg = (
            f"{choice.name!r} has its weights in the pickle file {pickled[0]!r}, which can run any "
            "code when it is loaded: convert it with safetensors.torch.save_file, or, if you trust "
            "where it comes from, say so with 'allow_pickle': True"
        )
        raise ConfigError(msg)


def _unreadable(choice: EncoderChoice, error: Exception) -> ConfigError:
    reason = " ".join(str(error).split())
    return ConfigError(
        f"cannot load the pretrained model {choice.name!r}: {reason} (encoders are "
        f"{', '.join(map(repr, BUILT_IN))}, a folder with config.json and model.safetensors, or a "
        "name on the Hugging Face Hub; pickled weights need 'allow_pickle': True)"
    )


@contextmanager
def _quiet(transformers: Any) -> Iterator[None]:
    """Keep its loading reports to itself: what matters in them raises here."""
    logs = transformers.utils.logging
    level, bar = logs.get_verbosity(), logs.is_progress_bar_enabled()
    logs.set_verbosity_error()
    logs.disable_progress_bar()
    try:
        yield
    finally:
        logs.set_verbosity(level)
        if bar:
            logs.enable_progress_bar()


def _part(
    transformers: Any, config: Any, choice: EncoderChoice, modality: Modality
) -> tuple[Any, Any]:
    """Return the class to load and its settings: a part of a model of two modalities, or all."""
    parts = PARTS.get(config.model_type)
    if parts is None:
        return transformers.AutoModel, config
    kind = "image" if modality.kind in {"video", "spectrogram"} else modality.kind
    if kind not in parts:
        raise _wrong_kind(choice, config, list(parts), modality)
    name, place = parts[kind]
    part = getattr(config, place)
    if hasattr(config, "projection_dim"):
        part.projection_dim = config.projection_dim
    return getattr(transformers, name), part


def _wrong_kind(
    choice: EncoderChoice, config: Any, reads: list[str], modality: Modality
) -> ConfigError:
    can = " or ".join(READS[kind] for kind in reads) if reads else "something else"
    hint = ""
    if modality.kind == "characters" and "tokens" in reads:
        hint = f": make tokens of the texts with mla_core.tokens.Tokenizer({choice.name!r})"
    return ConfigError(
        f"{choice.name!r} is a {config.model_type} model, which reads {can}, but modality "
        f"{modality.name!r} is {modality.kind} of shape {modality.shape}{hint}"
    )


def _fitted(
    network: Any,
    config: Any,
    choice: EncoderChoice,
    modality: Modality,
    size: tuple[tuple[int, int] | None, list[float], list[float]],
) -> nn.Module:
    """Put what the model wants to read before it, according to the name of its main input."""
    entry = network.main_input_name
    kind, shape = modality.kind, modality.shape
    mels = getattr(config, "num_mel_bins", None)
    if entry == "input_ids":
        if kind != "tokens":
            raise _wrong_kind(choice, config, ["tokens"], modality)
        _check_tokens(config, choice, modality)
        padding = getattr(config, "pad_token_id", None)
        return PretrainedEncoder(network, TokenIds(0 if padding is None else padding))
    if entry == "pixel_values":
        if kind not in {"image", "video", "spectrogram"}:
            raise _wrong_kind(choice, config, ["image", "video", "spectrogram"], modality)
        channels = getattr(config, "num_channels", 3)
        if shape[-3] not in {1, channels}:
            msg = f"{choice.name!r} reads {channels} channels, but {modality.name!r} has {shape[-3]}"
            raise ConfigError(msg)
        pixels, mean, deviation = size
        if kind == "spectrogram":  # standardised already, and not in 0..1
            mean, deviation = [0.0], [1.0]
        encoder = PretrainedEncoder(network, Picture(channels, pixels, mean, deviation))
        return PerFrame(encoder) if kind == "video" else encoder
    if entry == "input_values" and mels is not None:
        if kind != "spectrogram":
            raise _wrong_kind(choice, config, ["spectrogram"], modality)
        if shape[1] != mels:
            msg = (
                f"{choice.name!r} reads spectrograms with {mels} mel bands, but modality "
                f"{modality.name!r} has {shape[1]}: prepare the sound with {mels}"
            )
            raise ConfigError(msg)
        return PretrainedEncoder(network, FilterBanks(config.max_length))
    if entry == "input_values":
        if kind != "sequence" or shape[0] != 1:
            raise _wrong_kind(choice, config, ["sequence"], modality)
        return PretrainedEncoder(network, Waveform())
    raise _wrong_kind(choice, config, [], modality)


def _check_tokens(config: Any, choice: EncoderChoice, modality: Modality) -> None:
    length, longest = modality.shape[0], getattr(config, "max_position_embeddings", None)
    if modality.codes > config.vocab_size:
        msg = (
            f"{choice.name!r} knows {config.vocab_size} tokens, but modality {modality.name!r} has "
            f"{modality.codes}: make its tokens with Tokenizer({choice.name!r})"
        )
        raise ConfigError(msg)
    if longest is not None and length > longest:
        msg = (
            f"{choice.name!r} reads at most {longest} tokens, but modality {modality.name!r} has "
            f"{length}: make them with Tokenizer({choice.name!r}, length={longest})"
        )
        raise ConfigError(msg)


def _size(
    transformers: Any, source: str, choice: EncoderChoice, config: Any
) -> tuple[tuple[int, int] | None, list[float], list[float]]:
    """Return the pictures' size, and the mean and deviation that the model's files name."""
    pixels = getattr(config, "image_size", None)
    pixels = (pixels, pixels) if isinstance(pixels, int) else pixels
    mean, deviation = [0.5], [0.5]  # of vision transformers
    if pixels is not None or hasattr(config, "num_channels"):
        mixin = transformers.image_processing_base.ImageProcessingMixin
        try:
            with _quiet(transformers):
                said, _ = mixin.get_image_processor_dict(
                    source, revision=choice.revision or "main"
                )
        except OSError:
            said = {}  # the folder does not say
        mean, deviation = said.get("image_mean", mean), said.get("image_std", deviation)
    return tuple(pixels) if pixels is not None else None, mean, deviation


def _pooled(out: Any, here: Tensor | None) -> Tensor:
    for name in ("image_embeds", "text_embeds"):
        if (embedding := getattr(out, name, None)) is not None:
            return embedding if isinstance(embedding, Tensor) else torch.as_tensor(embedding)
    states: Tensor = out.last_hidden_state
    if states.ndim == 4:  # (B, d, h, w) of convolutional networks
        return states.mean((2, 3))
    if here is None:
        return states.mean(1)
    counts = here[..., None].to(states.dtype)  # (B, L, 1)
    return (states * counts).sum(1) / counts.sum(1)


def _weight(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())
