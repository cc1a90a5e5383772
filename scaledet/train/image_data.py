"""Images given as arrays or in npz files, as data to train on."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scaledet import validate
from scaledet.errors import ArgumentError, ArgumentTypeError
from scaledet.isolation import usual_floats
from scaledet.train.data import Data

__all__ = ["image_data"]

_COLOURS = (1, 3)


@usual_floats
def image_data(
    x: Any,
    y: Any = None,
    test_x: Any = None,
    test_y: Any = None,
    *,
    count: int | None = None,
    validation: int | None = None,
    test: int | None = None,
    normalise: bool = True,
    rng: Any = None,
) -> Data:
    r"""Divide labelled images into those to train on, to validate and to test.

    Parameters
    ----------
    x, test_x : array [n, H, W], [n, H, W, C] or [n, C, H, W], or path
        Images with C = 1 or 3 colours, as uint8 (divided by 255) or floats; or an npz file with
        arrays ``x`` and ``y``. Without `test_x` there are no test images.
    y, test_y : array [n], or None for a path
        Classes 0, 1, ... as integers, or -1 and 1.
    count, test : int or None
        Numbers of images to train on and to test, drawn without replacement, as many of each class
        as of any other, up to one; None: all that are left.
    validation : int or None
        Number of images of `x` to validate, drawn likewise; None: a tenth, at most 1000.
    normalise : bool
        Whether the images to train on shall have mean 0 and variance 1 in every colour; the others
        are shifted and scaled alike.
    rng : seed or Generator
        For ``numpy.random.default_rng``.

    Raises
    ------
    TypeError, ValueError
        For arrays of other shapes, a file without ``x`` and ``y``, and if a class has not as many
        images. Nothing is unpickled or downloaded.

    Examples
    --------
    >>> import numpy as np
    >>> generator = np.random.default_rng(0)
    >>> images = generator.integers(256, size=(60, 8, 8, 3), dtype=np.uint8)
    >>> image_data(images, np.arange(60) % 3, count=30, validation=6, rng=0)
    Data(30 images of shape 3 x 8 x 8 to train on, 6 to validate, 0 to test; labels 0, 1, 2)
    """
    images, labels = _labelled("x", x, y)
    if count is not None:
        count = validate.integer("count", count, 1)
    if validation is None:
        validation = min(1000, len(labels) // 10)
    validation = validate.integer("validation", validation, 0)
    if test is not None:
        test = validate.integer("test", test, 0)
    normalise = validate.flag("normalise", normalise)
    generator = validate.generator(rng)
    if test_x is not None:
        test_images, test_labels = _labelled("test_x", test_x, test_y)
    elif test_y is not None or test:
        raise ArgumentError("test_x must be given if test_y or test is; got None")
    else:
        test_images, test_labels, test = images[:0], labels[:0], None
    training, validating = _drawn("x", labels, (count, validation), generator)
    (testing,) = _drawn("test_x", test_labels, (test,), generator)
    chosen = {
        "train": (images[training], labels[training]),
        "validation": (images[validating], labels[validating]),
        "test": (test_images[testing], test_labels[testing]),
    }
    arrays: dict[str, Any] = {
        f"{part}_images": _as_floats(pictures) for part, (pictures, _) in chosen.items()
    }
    if normalise:
        arrays = _normalised(arrays)
    labelled: dict[str, Any] = {f"{part}_labels": answers for part, (_, answers) in chosen.items()}
    return Data(**labelled, **arrays)


def _labelled(name: str, x: Any, y: Any) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Return images [n, channels, height, width], as they are given, and their labels."""
    labels_name = "y" if name == "x" else "test_y"
    if isinstance(x, str | os.PathLike):
        if y is not None:
            raise ArgumentError(f"{labels_name} must be None if {name} is the path of a file")
        x, y = _read(name, validate.file_path(name, x))
    elif y is None:
        raise ArgumentError(f"{labels_name} must be given with {name}; got None")
    images, labels = _as_images(name, x), np.asarray(y)
    if labels.dtype.kind not in "iu" or labels.shape != (len(images),):
        raise ArgumentError(
            f"{labels_name} must be {len(images)} integers, one for each image; got "
            f"{labels.dtype} of shape {list(labels.shape)}"
        )
    return images, labels.astype(np.int64)


def _read(name: str, path: Path) -> tuple[Any, Any]:
    try:
        with np.load(path, allow_pickle=False) as stored:
            return stored["x"], stored["y"]
    except (OSError, ValueError, KeyError, EOFError, TypeError, zipfile.BadZipFile) as error:
        raise ArgumentError(
            f"{name} must name an npz file with the arrays x and y; got {str(path)!r}: {error}"
        ) from error


def _as_images(name: str, value: Any) -> NDArray[Any]:
    accepted = "uint8 or floats of shape [n, H, W], [n, H, W, C] or [n, C, H, W] with C = 1 or 3"
    array = np.asarray(value)
    if array.dtype != np.uint8 and array.dtype.kind != "f":
        raise ArgumentTypeError(f"{name} must be {accepted}; got dtype {array.dtype}")
    if array.ndim == 3:
        array = array[:, None]
    last, first = (array.ndim == 4 and array.shape[axis] in _COLOURS for axis in (3, 1))
    if last == first or not len(array):
        raise ArgumentError(f"{name} must be {accepted}; got shape {list(np.shape(value))}")
    return np.moveaxis(array, 3, 1) if last else array


def _as_floats(images: NDArray[Any]) -> NDArray[np.float32]:
    floats = images.astype(np.float32)
    return floats / np.float32(255) if images.dtype == np.uint8 else floats


def _normalised(arrays: dict[str, Any]) -> dict[str, Any]:
    """Shift and scale every colour as those of the images to train on require."""
    axes, training = (0, 2, 3), arrays["train_images"]
    mean = training.mean(axis=axes, keepdims=True, dtype=np.float64)
    deviation = training.std(axis=axes, keepdims=True, dtype=np.float64)
    if not deviation.all():
        raise ArgumentError("x must vary in every colour to be normalised, or normalise be False")
    return {
        name: ((images - mean) / deviation).astype(np.float32) for name, images in arrays.items()
    }


def _drawn(
    name: str,
    labels: NDArray[np.int64],
    sizes: tuple[int | None, ...],
    rng: np.random.Generator,
) -> list[NDArray[np.int64]]:
    """Draw the places of disjoint parts of these sizes, balanced; None: all that are left."""
    classes = np.unique(labels)
    left = {label: rng.permutation(np.flatnonzero(labels == label)) for label in classes.tolist()}
    parts: dict[int, NDArray[np.int64]] = {}
    for part, size in sorted(enumerate(sizes), key=lambda pair: pair[1] is None):
        if size is None:
            chosen = [*left.values()]
            left = {label: places[:0] for label, places in left.items()}
        else:
            chosen = []
            extra = set(rng.permutation(classes)[: size % max(1, len(classes))].tolist())
            for label, places in left.items():
                number = size // len(classes) + (label in extra)
                if number > len(places):
                    raise ArgumentError(
                        f"{name} must have {number} images more of class {label} for parts of "
                        f"{', '.join(str(n) for n in sizes if n is not None)}; got {len(places)}"
                    )
                chosen.append(places[:number])
                left[label] = places[number:]
        parts[part] = rng.permutation(np.concatenate([*chosen, np.zeros(0, dtype=np.int64)]))
    return [parts[part] for part in range(len(sizes))]
