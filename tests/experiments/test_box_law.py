"""The law of box filters on a task, against `predict` and against images moved one by one."""

from __future__ import annotations

import numpy as np
import pytest

import scaledet as sd
from experiments.box_law import box_law


def test_free_moves_are_those_of_predict():
    task = sd.ScaleDetection(size=64, xi=8, gap=2)
    net = sd.Network.uniform(2, 2, depth=4)
    law = box_law(net, task)
    known = sd.predict(net, task=task, balanced=True, rectify="noise")
    np.testing.assert_allclose(law.D, known.D, rtol=1e-12)
    np.testing.assert_allclose(law.G, known.G, rtol=1e-12)
    np.testing.assert_allclose(law.A, 2.0 ** np.arange(5), rtol=1e-12)


def test_layers_where_all_images_look_alike_are_left_out():
    task = sd.ScaleDetection(size=16, xi=5, gap=1)
    law = box_law(sd.Network.uniform(2, 2, depth=4), task)
    assert len(law.A) == 5
    assert len(law.D) == len(law.G) == 4


def test_moves_in_blocks_stop_to_matter_once_a_site_is_a_block():
    task = sd.ScaleDetection(size=64, xi=8, variant="T2")
    law = box_law(sd.Network.uniform(2, 2, depth=4), task)
    assert (law.D[3:] == 0).all()
    assert (law.D[:3] > 0.05).all()


@pytest.mark.parametrize(("variant", "kernel"), [("T1", 3), ("T2", 3), ("T2", 5)])
def test_images_moved_one_by_one(variant, kernel):
    task = sd.ScaleDetection(size=32, xi=8, gap=1, variant=variant)
    net = sd.Network.uniform(kernel, depth=3)
    law = box_law(net, task)
    rng = np.random.default_rng(0)
    count, blocks = 20_000, 20
    images, _ = task.sample(count, rng=rng)
    moved = task.displace(images, rng=rng, label_preserving=variant == "T2")
    noise = rng.standard_normal((count, 32))
    noise *= np.sqrt(np.square(moved - images).sum(axis=(1, 2)).mean() / 32)
    maps = [part.reshape(blocks, -1, 32) for part in (images, moved, np.maximum(noise, 0))]
    frequencies = np.fft.rfft(np.eye(32)[0])
    for k in range(1, 4):
        filters = np.fft.rfft(np.where(np.arange(32) < kernel, 1 / kernel, 0.0)) ** k * frequencies
        clean, displaced, noisy = (np.fft.irfft(np.fft.rfft(part) * filters, 32) for part in maps)
        apart = 2 * np.square(clean - clean.mean(axis=1, keepdims=True)).sum(axis=2).mean(axis=1)
        for known, change in ((law.D[k], displaced - clean), (law.G[k], noisy)):
            values = np.square(change).sum(axis=2).mean(axis=1) / apart
            error = values.std(ddof=1) / np.sqrt(blocks)
            assert abs(values.mean() - known) < 4 * error
            assert error < 0.02 * known


def test_free_moves_would_be_another_law_in_blocks():
    task = sd.ScaleDetection(size=64, xi=8, variant="T2")
    net = sd.Network.uniform(2, 2, depth=3)
    free = sd.predict(net, task=task, balanced=True, rectify="noise")
    assert box_law(net, task).D[2] < 0.7 * free.D[2]
