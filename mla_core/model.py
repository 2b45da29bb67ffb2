"""The network: a dict of encoders and a head."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from mla_core.data.split import Modality
from mla_core.data.stored import Column
from mla_core.encoders import build_encoder
from mla_core.seeding import generator


class MultimodalModel(nn.Module):
    """M modality-specific encoders h_m and a head g.

    Parameters
    ----------
    modalities : mapping of str to Modality
        Any M >= 1.
    head : Module
        What it reads is the method's business: for MLA, one modality's features (B, s).
    feature_size : int
        s, common to all encoders.
    seed : int
        Draws the encoders' weights, each from its own stream, so that adding a modality does not
        change the others.
    frozen : bool
        The data are features already: no encoder is trained.

    Examples
    --------
    >>> modalities = {"x": Modality("x", "vector", (3,))}
    >>> model = MultimodalModel(modalities, nn.Linear(8, 4), feature_size=8)
    >>> model.head(model.encode("x", torch.zeros(5, 3))).shape
    torch.Size([5, 4])
    """

    def __init__(
        self,
        modalities: Mapping[str, Modality],
        head: nn.Module,
        feature_size: int = 128,
        seed: int = 0,
        *,
        frozen: bool = False,
    ) -> None:
        super().__init__()
        self.feature_size = feature_size
        self.encoders = nn.ModuleDict(
            {
                name: build_encoder(
                    modality, feature_size, generator(seed, "encoder", name), frozen=frozen
                )
                for name, modality in modalities.items()
            }
        )
        self.head = head

    def encode(self, modality: str, x: Tensor) -> Tensor:
        """Return the features (B, s) of one modality's batch."""
        features: Tensor = self.encoders[modality](x)
        return features

    @torch.no_grad()
    def features(self, inputs: Mapping[str, Column], chunk: int = 512) -> Tensor:
        """Return all modalities' features (M, N, s), without gradients, `chunk` samples at a time."""
        return torch.stack(
            [
                torch.cat([self.encode(name, part) for part in inputs[name].split(chunk)])
                for name in self.encoders
            ]
        )
