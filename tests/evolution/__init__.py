"""Tests of the evolution of laws, and the networks they share."""

import scaledet as sd


def biased(kernel, biases, stride=None, dim=1):
    """Layers of one kernel, each with its bias; the stride is the kernel's length if left out."""
    pool = sd.Layer(kernel).kernel
    step = len(pool) if stride is None else stride
    return sd.Network([sd.Layer(pool, step, bias) for bias in biases], dim)
