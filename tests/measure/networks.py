"""Small models that the tests of measurements share."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn


def constant_filters(dim, kernel, stride, depth):
    """Circular convolutions of one channel and constant filters of sum 1, each with a ReLU."""
    convolution = (nn.Conv1d, nn.Conv2d)[dim - 1]
    parts = []
    for _ in range(depth):
        layer = convolution(1, 1, kernel, stride, padding=0, bias=False, dtype=torch.float64)
        nn.init.constant_(layer.weight, kernel**-dim)
        parts += [Wrapped(kernel - 1, dim), layer, nn.ReLU()]
    return nn.Sequential(*parts)


def random_filters(taps, stride, depth, width, bias_variance, rng):
    """Circular 1-D convolutions of independent random filters, of tap covariance 2 `taps`."""
    root, kernel = np.linalg.cholesky(2 * taps), len(taps)
    parts = []
    for channels in (1, *(width,) * (depth - 1)):
        layer = nn.Conv1d(channels, width, kernel, stride, dtype=torch.float64)
        weights = rng.standard_normal((width, channels, kernel)) @ root.T / np.sqrt(channels)
        layer.weight.data = torch.tensor(weights)
        layer.bias.data = torch.tensor(np.sqrt(bias_variance) * rng.standard_normal(width))
        parts += [Wrapped(kernel - 1, 1), layer, nn.ReLU(inplace=True)]
    return nn.Sequential(*parts)


class Wrapped(nn.Module):
    """Continues images periodically at their far ends."""

    def __init__(self, pixels, dim):
        super().__init__()
        self.ends = (0, pixels) * dim

    def forward(self, images):
        return nn.functional.pad(images, self.ends, mode="circular")


def convolutional(inplace=True, dtype=torch.float32):
    """Three convolutions, BatchNorm with statistics of its own, one activation used twice."""
    torch.manual_seed(3)
    act = nn.ReLU(inplace=inplace)
    model = nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1),
        nn.BatchNorm2d(8),
        act,
        nn.Conv2d(8, 8, 3),
        act,
        nn.Dropout(0.5),
        nn.AvgPool2d(2),
        nn.Conv2d(8, 6, 3),
        nn.Flatten(),
        nn.Linear(24, 4),
    )
    model[1].running_mean.uniform_(-0.2, 0.2)
    model[1].running_var.uniform_(0.05, 0.3)
    return model.to(dtype).eval()
