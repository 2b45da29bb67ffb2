"""ResNet-18 as in MLA's paper: for images, for spectrograms, and for the frames of videos."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from mla_core.containers import read_safetensors
from mla_core.errors import ConfigError, DataError
from mla_core.seeding import drawing_alone

WIDTHS = (64, 128, 256, 512)


class BasicBlock(nn.Module):
    """(B, C, H, W) -> (B, D, H/stride, W/stride): two convolutions beside a shortcut."""

    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.downsample: nn.Module | None = None
        if stride != 1 or channels != width:
            self.downsample = nn.Sequential(
                nn.Conv2d(channels, width, 1, stride=stride, bias=False), nn.BatchNorm2d(width)
            )

    def forward(self, x: Tensor) -> Tensor:
        """Add what two convolutions find to the input."""
        shortcut = x if self.downsample is None else self.downsample(x)
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out)) + shortcut
        return torch.relu_(out)


class ResNet18(nn.Module):
    """(B, C, H, W) -> (B, 512): He et al., CVPR 2016, without the classifier.

    Names of weights are torchvision's, so that its files fit.

    Parameters
    ----------
    channels : int
        3 for images and video frames, 1 for spectrograms.

    Examples
    --------
    >>> ResNet18(channels=1)(torch.zeros(2, 1, 128, 40)).shape
    torch.Size([2, 512])
    """

    def __init__(self, channels: int = 3) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        before = (64, *WIDTHS)
        self.layer1, self.layer2, self.layer3, self.layer4 = (
            nn.Sequential(
                BasicBlock(before[i], width, 1 if i == 0 else 2), BasicBlock(width, width, 1)
            )
            for i, width in enumerate(WIDTHS)
        )

    @property
    def blocks(self) -> list[nn.Module]:
        """The stages that ``train="last"`` counts, in order."""
        return [self.layer1, self.layer2, self.layer3, self.layer4]

    def forward(self, x: Tensor) -> Tensor:
        """Encode, and take the mean over all places."""
        out = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        for block in self.blocks:
            out = block(out)
        features: Tensor = out.mean((2, 3))
        return features


def random_resnet18(channels: int, seed: torch.Generator) -> ResNet18:
    """Return a network whose weights are drawn from `seed` (He et al., 2015: normal, by fan-out).

    Examples
    --------
    >>> one, two = (random_resnet18(1, torch.Generator().manual_seed(0)) for _ in range(2))
    >>> bool((one.layer4[1].conv2.weight == two.layer4[1].conv2.weight).all())
    True
    """
    with drawing_alone():  # torch's own initialisation draws, and is replaced
        network = ResNet18(channels)
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(
                layer.weight, mode="fan_out", nonlinearity="relu", generator=seed
            )
    return network


def load_resnet18(path: str) -> ResNet18:
    """Return a network with the weights of a safetensors file.

    Parameters
    ----------
    path : str
        With torchvision's names, as timm's files have them, too. The classifier's weights (``fc``)
        are left aside. The first convolution says how many channels it reads.

    Raises
    ------
    ConfigError
        When the file is missing, is no safetensors file, or lacks a weight.
    """
    tensors = {k: x for k, x in _read(path).items() if not k.startswith("fc.")}
    first = tensors.get("conv1.weight")
    if first is None or first.ndim != 4:
        msg = f"{path!r} holds no ResNet-18: it has no conv1.weight (64, channels, 7, 7)"
        raise ConfigError(msg)
    network = ResNet18(first.shape[1])
    own = network.state_dict()
    for name, tensor in own.items():
        counter = name.endswith("num_batches_tracked")  # which some files leave out
        if not counter and (name not in tensors or tensors[name].shape != tensor.shape):
            found = tuple(tensors[name].shape) if name in tensors else "none"
            msg = f"{path!r} holds no ResNet-18: {name} must be {tuple(tensor.shape)}, not {found}"
            raise ConfigError(msg)
    if unknown := sorted(set(tensors) - set(own)):
        msg = f"{path!r} holds no ResNet-18: it has the weight {unknown[0]!r}, too"
        raise ConfigError(msg)
    network.load_state_dict({name: tensors.get(name, x).to(x.dtype) for name, x in own.items()})
    return network


def _read(path: str) -> dict[str, Tensor]:
    file = Path(path).expanduser()
    if not file.is_file():
        msg = f"there is no file of weights {path!r}"
        raise ConfigError(msg)
    cure = (
        "weights in pickle files are not loaded, since they can run any code. Convert it with "
        "safetensors.torch.save_file"
    )
    try:
        return read_safetensors(file, cure)[0]
    except DataError as error:
        raise ConfigError(str(error)) from error
