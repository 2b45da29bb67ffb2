"""Pretrained models of the package `transformers`, by name or folder, as encoders."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from mla_core.data.samples import Modality
from mla_core.encoders.choice import BUILT_IN, EncoderChoice
from mla_core.encoders.inputs import PerFrame
from mla_core.encoders.reads import Photographs, inputs_for, wrong_kind
from mla_core.errors import ConfigError
from mla_core.hub import quiet, require_transformers, source_of, unreadable
from mla_core.seeding import drawing_alone

NAMES = ", ".join(map(repr, BUILT_IN))

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


class PretrainedEncoder(nn.Module):
    """(B, ...) -> (B, d): one modality's numbers, through a model of `transformers`.

    Features are the model's projected embedding where it has one, else the mean of its last hidden
    states over all places; padding is left out.

    Parameters
    ----------
    network : Module
        The model.
    inputs : Module
        What stands before it, from `mla_core.encoders.inputs`.
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
        return list(max(lists, key=_parameters, default=nn.ModuleList()))

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
    from safetensors import SafetensorError

    transformers = require_transformers(choice.name, f"Without it there are {NAMES}")
    source, revision = source_of(choice.name), choice.revision or "main"
    with quiet(transformers), drawing_alone():
        try:
            config = transformers.AutoConfig.from_pretrained(
                source, revision=revision, trust_remote_code=False
            )
        except (OSError, ValueError, KeyError) as error:
            raise unreadable(choice.name, error, f"encoders are {NAMES}, or") from error
        cls, config = _part(transformers, config, choice, modality)
        if cls is transformers.AutoModel and hasattr(config, "apply_spec_augment"):
            config.apply_spec_augment = False  # it draws from NumPy's global generator
        photographs = _photographs(transformers, source, revision)
        # Before the weights, which may be gigabytes, are fetched.
        entry = _empty(transformers, cls, config).main_input_name
        inputs = inputs_for(entry, config, choice.name, modality, photographs)
        _refuse_pickles(choice, source)
        try:
            network, report = cls.from_pretrained(
                source,
                config=config,
                revision=revision,
                dtype=torch.float32,
                output_loading_info=True,
                use_safetensors=None if choice.allow_pickle else True,
            )
        except (OSError, ValueError, RuntimeError, ImportError, SafetensorError) as error:
            raise unreadable(choice.name, error, f"encoders are {NAMES}, or") from error
    _check_whole(choice.name, network, report["missing_keys"])
    pooler = getattr(network, "pooler", None)
    if isinstance(pooler, nn.Module) and list(pooler.parameters()):
        network.pooler = nn.Identity()
    if getattr(config, "is_encoder_decoder", False):
        network = network.get_encoder()
    encoder = PretrainedEncoder(network, inputs)
    return PerFrame(encoder) if modality.kind == "video" else encoder


def _empty(transformers: Any, cls: Any, config: Any) -> Any:
    """Return the model without any numbers in it."""
    with torch.device("meta"):
        return cls.from_config(config) if cls is transformers.AutoModel else cls(config)


def _check_whole(name: str, network: nn.Module, missing: Iterable[str]) -> None:
    """Refuse a model some of whose weights are not in its file, which would be random."""
    # A pooler is in few files that come from pretraining alone, and nothing here reads it.
    if lacking := sorted(key for key in missing if not key.startswith("pooler.")):
        msg = (
            f"the weights of {name!r} lack {lacking[0]!r} (of {len(lacking)} missing) of "
            f"{type(network).__name__}: they would be random. Choose another model"
        )
        raise ConfigError(msg)


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


def _part(
    transformers: Any, config: Any, choice: EncoderChoice, modality: Modality
) -> tuple[Any, Any]:
    """Return the class to load and its settings: a part of a model of two modalities, or all."""
    parts = PARTS.get(config.model_type)
    if parts is None:
        return transformers.AutoModel, config
    kind = "image" if modality.kind in {"video", "spectrogram"} else modality.kind
    if kind not in parts:
        raise wrong_kind(choice.name, config, list(parts), modality)
    name, place = parts[kind]
    part = getattr(config, place)
    if hasattr(config, "projection_dim"):
        part.projection_dim = config.projection_dim
    return getattr(transformers, name), part


def _photographs(transformers: Any, source: str, revision: str) -> Photographs:
    """Return the mean and deviation of pictures that the model's files name, if they do."""
    mixin = transformers.image_processing_base.ImageProcessingMixin
    try:
        said, _ = mixin.get_image_processor_dict(source, revision=revision)
    except OSError:
        return Photographs()  # as vision transformers have it
    if "image_mean" in said and "image_std" in said:
        return Photographs(said["image_mean"], said["image_std"])
    return Photographs()


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


def _parameters(module: Iterable[nn.Module]) -> int:
    return sum(p.numel() for part in module for p in part.parameters())
