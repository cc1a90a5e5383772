"""The plain engine: whole images in NumPy arrays, as one would write the definition down.

It runs every network. The compiled engine computes the same on the torus, where this one is for
reading and for checking it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from scaledet.network.pooling import responses
from scaledet.simulation.engines.base import Floats, Images, Specification, UnitSums, add_pixels
from scaledet.simulation.engines.images import draw_images

__all__ = ["bytes_needed", "most_images", "run", "run_units"]

# Pixels of all images held at a time; one image where it has more.
_CHUNK = 2**18
# Pixels of a unit, which then ends in seconds, or so many images; pixels of one with background
# noise, which is drawn for the whole unit, or two images.
_PIXELS, _IMAGES, _BACKGROUND = 2**24, 512, 2**22


def bytes_needed(spec: Specification, count: int) -> int:
    """Return the bytes of a chunk's maps and pooling temporaries, and of sums over a unit."""
    network = spec.network
    maps = [math.prod(sides) for sides in network.sizes(spec.sides)]
    held = most = 0
    for k, numbers in enumerate(maps):
        if k:  # What no layer after k receives is dropped.
            ended = (j for j in set(network.inputs[k - 1]) if network.last_uses[j] == k)
            held -= sum(maps[j] for j in ended)
        held += numbers * (k in network.last_uses)
        most = max(most, held)
    # Besides: the images and their noise, three outputs, and what pooling pads and adds up.
    images = min(count, _images_at_a_time(spec)) * (3 * most + 15 * max(maps))
    background = count * spec.pixels if spec.scenario.background else 0
    return 8 * (images + background + 2 * sum(maps))


def most_images(spec: Specification) -> int:
    """Let a unit end in seconds and its background fit the memory."""
    if spec.scenario.background:
        return max(2, _BACKGROUND // spec.pixels)
    return max(_IMAGES, _PIXELS // spec.pixels)


def _images_at_a_time(spec: Specification) -> int:
    return max(1, _CHUNK // spec.pixels)


def run_units(
    spec: Specification, seeds: np.random.SeedSequence, units: Sequence[int], counts: Sequence[int]
) -> Floats:
    """Return the packed sums [units, ...] of units below `seeds`.

    Images are drawn from stream (unit, 0), noise from (unit, 1).
    """

    def below(*key: int) -> np.random.SeedSequence:
        return np.random.SeedSequence(seeds.entropy, spawn_key=(*seeds.spawn_key, *key))

    packed = []
    for unit, count in zip(units, counts, strict=True):
        images = draw_images(spec, np.random.default_rng(below(unit, 0)), count)
        packed.append(run(spec, images, below(unit, 1)).packed())
    return np.array(packed)


def run(
    spec: Specification, images: Images, seeds: np.random.SeedSequence, noise: Floats | None = None
) -> UnitSums:
    """Send the images through the network; `noise` [n, pixels] replaces the noise drawn."""
    network, rectify = spec.network, spec.scenario.rectify
    depth, count = network.depth, len(images.positions)
    rng = np.random.default_rng(seeds)
    totals = np.zeros((4, depth + 1))
    controls = np.zeros(2)
    sums: list[Floats] = []
    origins: list[Floats] = []
    chunk, shape = _images_at_a_time(spec), (-1, *spec.sides)
    for start in range(0, count, chunk):
        part = slice(start, min(count, start + chunk))
        plain, shifted = np.zeros((2, part.stop - start, spec.pixels))
        add_pixels(plain, images.positions[part], spec.sides)
        add_pixels(shifted, images.moved[part], spec.sides)
        eta = spec.sigma * rng.standard_normal(plain.shape) if noise is None else noise[part]
        clean = plain
        if images.background is not None:
            plain, shifted = plain + images.background[part], shifted + images.background[part]
            clean, shifted = np.maximum(plain, spec.lowest), np.maximum(shifted, spec.lowest)
        # The noise as far as it does not depend on the image.
        entered = np.maximum(eta, 0.0) if rectify in ("input", "noise") else eta
        noisy = np.maximum(plain + eta, 0.0) if rectify == "input" else clean + entered
        controls += entered.sum(), _square(entered)
        maps = (
            responses(network, values.reshape(shape), rectify=rectify is not None)
            for values in (clean, shifted, noisy)
        )
        for k, (clean, shifted, noisy) in enumerate(zip(*maps, strict=True)):
            if start == 0:
                # Distances do not depend on the origin; the unit's first image keeps
                # their sums free of cancellation.
                origins.append(clean[:1].copy())
                sums.append(np.zeros(clean.shape[1:]))
            centred = clean - origins[k]
            sums[k] += centred.sum(axis=0)
            totals[0, k] += _square(shifted - clean)
            totals[1, k] += _square(noisy - clean)
            totals[2, k] += _square(centred)
            totals[3, k] += _square(clean)
    spread = np.array([_square(total) for total in sums])
    distance = 2 * (totals[2] - spread / count) / (count - 1)
    controls /= count * spec.pixels
    return UnitSums(totals[0] / count, totals[1] / count, distance, totals[3] / count, controls)


def _square(values: Floats) -> float:
    # Not a product of vectors: BLAS adds those up in an order that depends on its threads.
    return float(np.square(values).sum())
