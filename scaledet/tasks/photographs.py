"""Patches of photographs: grey pictures that scikit-image brings along."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scaledet import validate
from scaledet.errors import ArgumentError

__all__ = ["PICTURES", "photographs"]

PICTURES = (
    "astronaut.png",
    "brick.png",
    "camera.png",
    "chelsea.png",
    "coffee.png",
    "coins.png",
    "grass.png",
    "gravel.png",
    "hubble_deep_field.jpg",
    "moon.png",
    "rocket.jpg",
)
"""Photographs that the wheels of scikit-image hold (tried with 0.26)."""


def photographs(
    size: int = 32, samples: int = 1000, *, shrink: int = 4, rng: Any = None
) -> NDArray[np.float64]:
    """Return grey square patches of photographs, [samples, size, size], values from 0 to 1.

    Every patch is taken from one of the 11 pictures at random, at a random place, mirrored and
    turned by a right angle at random. The pictures stand in the package scikit-image; nothing is
    ever downloaded.

    Parameters
    ----------
    size : int, default 32
        Pixels a side, from 3 on; at most those of the smallest picture, 300 / shrink.
    samples : int, default 1000
        Number of patches. They overlap if there are many.
    shrink : int, default 4
        The pictures are made smaller first: every pixel is the mean of so many by so many.
    rng : seed or Generator
        For ``numpy.random.default_rng``.

    Raises
    ------
    ImportError
        Without scikit-image (``pip install scaledet[images]``).
    TypeError, ValueError
        For bad arguments.

    Examples
    --------
    >>> images = photographs(32, samples=10, rng=0)
    >>> images.shape, bool((images >= 0).all() and (images <= 1).all())
    ((10, 32, 32), True)
    """
    samples = validate.integer("samples", samples, 1)
    shrink = validate.integer("shrink", shrink, 1, 64)
    pictures = _shrunk(shrink)
    smallest = min(min(picture.shape) for picture in pictures)
    size = validate.integer("size", size, 3)
    if size > smallest:
        raise ArgumentError(
            f"size must be at most {smallest} for shrink={shrink}, the smallest picture; got {size}"
        )
    generator = validate.generator(rng)
    result = np.empty((samples, size, size))
    for patch, which in zip(result, generator.integers(len(pictures), size=samples), strict=True):
        picture = pictures[which]
        top, left = generator.integers(np.array(picture.shape) - size + 1)
        turned = np.rot90(picture[top : top + size, left : left + size], int(generator.integers(4)))
        patch[...] = turned.T if generator.integers(2) else turned
    return result


@cache
def _shrunk(shrink: int) -> tuple[NDArray[np.float64], ...]:
    return tuple(_means(picture, shrink) for picture in _pictures())


def _means(picture: NDArray[np.float64], shrink: int) -> NDArray[np.float64]:
    height, width = (length // shrink for length in picture.shape)
    cells = picture[: height * shrink, : width * shrink].reshape(height, shrink, width, shrink)
    return np.asarray(cells.mean(axis=(1, 3)))


@cache
def _pictures() -> tuple[NDArray[np.float64], ...]:
    """Read the files, which never asks for a network: their folder is that of the package."""
    try:
        import skimage
        from skimage.color import rgb2gray
        from skimage.io import imread
    except ImportError as error:
        raise ImportError(
            "photographs() needs scikit-image, which holds them: pip install 'scaledet[images]'"
        ) from error
    folder = Path(skimage.__file__).parent / "data"
    pictures = []
    for name in PICTURES:
        try:
            picture = imread(folder / name)
        except OSError as error:
            raise ImportError(
                f"photographs() needs {name} of scikit-image, which {folder} does not hold: {error}"
            ) from error
        pictures.append(rgb2gray(picture) if picture.ndim == 3 else picture / 255.0)
    return tuple(pictures)
