"""The architectures of the presets as modules of torch, typed from the papers and torchvision."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

BLURS = {"rect2": [1.0, 1], "tri3": [1.0, 2, 1], "bin5": [1.0, 4, 6, 4, 1]}


class BlurPool(nn.Module):
    """Zhang 2019: reflect, then a depthwise convolution with a fixed filter and a stride."""

    def __init__(self, channels: int, blur: str) -> None:
        super().__init__()
        weights = torch.tensor(BLURS[blur])
        square = weights[:, None] * weights
        total = len(weights) - 1
        self.pad = nn.ReflectionPad2d((total // 2, total - total // 2) * 2)
        self.register_buffer("filt", (square / square.sum()).repeat(channels, 1, 1, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.conv2d(self.pad(x), self.filt, stride=2, groups=x.shape[1])


def conv(inputs, outputs, length, stride=1, padding=0, groups=1, blur=None):
    """A convolution with batch normalisation and ReLU, its stride after a blur if there is one."""
    step = stride // 2 if blur and stride > 1 else stride
    layers = [nn.Conv2d(inputs, outputs, length, step, padding, groups=groups, bias=False)]
    layers += [nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)]
    if blur and stride > 1:
        layers.append(BlurPool(outputs, blur))
    return nn.Sequential(*layers)


def pool(channels, length, stride, padding=0, blur=None):
    if not blur:
        return nn.MaxPool2d(length, stride, padding)
    return nn.Sequential(nn.MaxPool2d(length, 1, padding), BlurPool(channels, blur))


def lenet5(blur=None, width=4):
    def subsampled():
        return BlurPool(width, blur) if blur else nn.AvgPool2d(2)

    return nn.Sequential(
        *(nn.Conv2d(1, width, 5), nn.Tanh(), subsampled()),
        *(nn.Conv2d(width, width, 5), nn.Tanh(), subsampled()),
        *(nn.Conv2d(width, width, 5), nn.Tanh(), nn.Flatten(), nn.Linear(width, 10)),
    )


def alexnet(blur=None, width=4):
    return nn.Sequential(
        *(conv(3, width, 11, 4, 2, blur=blur), pool(width, 3, 2, blur=blur)),
        *(conv(width, width, 5, padding=2), pool(width, 3, 2, blur=blur)),
        *(conv(width, width, 3, padding=1) for _ in range(3)),
        *(pool(width, 3, 2, blur=blur), nn.Flatten()),
    )


def vgg(configuration, blur=None, width=4):
    """Configurations are those of table 1 of the paper, M for pooling."""
    layers, inputs = [], 3
    for entry in configuration.split():
        layers.append(
            pool(width, 2, 2, blur=blur) if entry == "M" else conv(inputs, width, 3, padding=1)
        )
        inputs = width
    head = (nn.Flatten(), nn.LazyLinear(5), nn.ReLU(), nn.Dropout(), nn.Linear(5, 5))
    module = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(7), *head)
    module.eval()(torch.zeros(1, 3, 224, 224))
    return module


VGG = {
    "vgg11": "64 M 128 M 256 256 M 512 512 M 512 512 M",
    "vgg13": "64 64 M 128 128 M 256 256 M 512 512 M 512 512 M",
    "vgg16": "64 64 M 128 128 M 256 256 256 M 512 512 512 M 512 512 512 M",
    "vgg19": "64 64 M 128 128 M 256 256 256 256 M 512 512 512 512 M 512 512 512 512 M",
}


class Block(nn.Module):
    """A residual block: of two convolutions 3x3, or a bottleneck whose stride is said."""

    def __init__(self, inputs, outputs, stride, bottleneck, blur) -> None:
        super().__init__()
        if bottleneck is None:
            self.body = nn.Sequential(
                conv(inputs, outputs, 3, stride, 1, blur=blur), conv(outputs, outputs, 3, padding=1)
            )
        else:
            first, second = (stride, 1) if bottleneck == "1x1" else (1, stride)
            self.body = nn.Sequential(
                conv(inputs, 4, 1, first, blur=blur),
                conv(4, 4, 3, second, 1, blur=blur),
                conv(4, outputs, 1),
            )
        self.shortcut = nn.Identity()
        if stride > 1 or inputs != outputs:
            parts = [BlurPool(inputs, blur)] if blur and stride > 1 else []
            step = 1 if parts else stride
            parts += [nn.Conv2d(inputs, outputs, 1, step), nn.BatchNorm2d(outputs)]
            self.shortcut = nn.Sequential(*parts)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.relu(self.shortcut(x) + self.body(x))


def resnet(counts, bottleneck=None, blur=None, head=False):
    layers = [conv(3, 4, 7, 2, 3, blur=blur), pool(4, 3, 2, 1, blur=blur)]
    inputs = 4
    for stage, count in enumerate(counts):
        outputs = 4 + 2 * stage
        for j in range(count):
            stride = 2 if stage and not j else 1
            layers.append(Block(inputs, outputs, stride, bottleneck, blur))
            inputs = outputs
    ending = (nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inputs, 10)) if head else ()
    return nn.Sequential(*layers, *ending)


class MBConv(nn.Module):
    """An inverted bottleneck with squeeze-and-excitation."""

    def __init__(self, inputs, outputs, length, stride, blur) -> None:
        super().__init__()
        wide = 3 * inputs
        self.expand = conv(inputs, wide, 1)
        self.spatial = conv(wide, wide, length, stride, length // 2, groups=wide, blur=blur)
        self.squeeze = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Conv2d(wide, 2, 1), nn.SiLU(), nn.Conv2d(2, wide, 1)
        )
        self.project = nn.Sequential(nn.Conv2d(wide, outputs, 1), nn.BatchNorm2d(outputs))
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.spatial(self.expand(x))
        y = self.project(y * torch.sigmoid(self.squeeze(y)))
        return x + y if self.residual else y


def efficientnet_b0(blur=None):
    """Rows of table 1 of the paper: length, stride, channels (here fewer), blocks."""
    table = "3 1 4 1; 3 2 6 2; 5 2 8 2; 3 2 10 3; 5 1 12 3; 5 2 14 4; 3 1 16 1"
    layers, inputs = [conv(3, 5, 3, 2, 1, blur=blur)], 5
    for row in table.split(";"):
        length, first, outputs, count = map(int, row.split())
        for j in range(count):
            layers.append(MBConv(inputs, outputs, length, 1 if j else first, blur))
            inputs = outputs
    return nn.Sequential(*layers)
