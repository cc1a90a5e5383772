"""Images and labels to train on, to validate and to test, without an image in common."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scaledet import validate
from scaledet.errors import ArgumentError, ArgumentTypeError
from scaledet.isolation import usual_floats
from scaledet.rationals import shown
from scaledet.tasks.scale_detection import ScaleDetection

__all__ = ["PARTS", "Data", "task_data"]

PARTS = ("train", "validation", "test")
_MOST_TEST_IMAGES = 4096


@dataclass(frozen=True, repr=False, eq=False)
class Data:
    r"""Three sets of images with labels.

    Attributes
    ----------
    train_images, validation_images, test_images : float32 array [n, channels, \*sides]
        What enters a network. Only the first must hold images.
    train_labels, validation_labels, test_labels : int64 array [n]
        Labels: -1 and 1, or classes 0, 1, ...
    task : ScaleDetection or None
        Where the images come from.
    scale : float
        Height of an active pixel of the task's images.

    Examples
    --------
    >>> import numpy as np
    >>> images, labels = np.zeros((4, 1, 8)), np.array([-1, 1, -1, 1])
    >>> Data(images[:2], labels[:2], images[2:3], labels[2:3], images[3:], labels[3:])
    Data(2 images of shape 1 x 8 to train on, 1 to validate, 1 to test; labels -1, 1)
    """

    train_images: NDArray[np.float32]
    train_labels: NDArray[np.int64]
    validation_images: NDArray[np.float32]
    validation_labels: NDArray[np.int64]
    test_images: NDArray[np.float32]
    test_labels: NDArray[np.int64]
    task: ScaleDetection | None = None
    scale: float = 1.0

    def __post_init__(self) -> None:
        shape: tuple[int, ...] = ()
        for part in PARTS:
            images = _images(f"{part}_images", getattr(self, f"{part}_images"))
            labels = _labels(f"{part}_labels", getattr(self, f"{part}_labels"), len(images))
            shape = shape or images.shape[1:]
            if images.shape[1:] != shape:
                raise ArgumentError(
                    f"{part}_images must have the shape of train_images, [n, "
                    f"{', '.join(map(str, shape))}]; got {list(images.shape)}"
                )
            object.__setattr__(self, f"{part}_images", images)
            object.__setattr__(self, f"{part}_labels", labels)
        if not len(self.train_labels):
            raise ArgumentError("train_images must hold at least one image; got none")
        if self.task is not None and not isinstance(self.task, ScaleDetection):
            raise ArgumentTypeError(f"task must be a ScaleDetection; got {shown(self.task)}")
        object.__setattr__(self, "scale", validate.real("scale", self.scale, positive=True))

    @property
    def shape(self) -> tuple[int, ...]:
        """Channels and sides of an image."""
        return tuple(self.train_images.shape[1:])

    @property
    def classes(self) -> tuple[int, ...]:
        """The labels that occur among the images to train on, rising."""
        return tuple(np.unique(self.train_labels).tolist())

    def __repr__(self) -> str:
        shape = " x ".join(map(str, self.shape))
        labels = self.classes
        named = ", ".join(map(str, labels)) if len(labels) <= 10 else f"{len(labels)} classes"
        task = f"; {self.task}, pixels of {self.scale:.4g}" if self.task else ""
        return (
            f"Data({len(self.train_labels)} images of shape {shape} to train on, "
            f"{len(self.validation_labels)} to validate, {len(self.test_labels)} to test; "
            f"labels {named}{task})"
        )


def _images(name: str, value: Any) -> NDArray[np.float32]:
    accepted = "finite real numbers of shape [n, channels, *sides], with one or two sides"
    array = np.asarray(value)
    if array.dtype.kind not in "iuf":
        raise ArgumentTypeError(f"{name} must be {accepted}; got dtype {array.dtype}")
    if array.ndim not in (3, 4) or 0 in array.shape[1:]:
        raise ArgumentError(f"{name} must be {accepted}; got shape {list(array.shape)}")
    result = np.ascontiguousarray(array, dtype=np.float32)
    if not np.isfinite(result).all():
        raise ArgumentError(f"{name} must be {accepted}; got numbers that are not finite")
    return result


def _labels(name: str, value: Any, count: int) -> NDArray[np.int64]:
    accepted = f"{count} integers, one for each image"
    array = np.asarray(value)
    if array.dtype.kind not in "iu" and array.size:
        raise ArgumentTypeError(f"{name} must be {accepted}; got dtype {array.dtype}")
    if array.shape != (count,):
        raise ArgumentError(f"{name} must be {accepted}; got shape {list(array.shape)}")
    return np.ascontiguousarray(array, dtype=np.int64)


@usual_floats
def task_data(
    task: ScaleDetection,
    *,
    train: int = 1024,
    validation: int = 128,
    test: int | None = None,
    scale: float | None = None,
    rng: Any = None,
) -> Data:
    r"""Draw images of a scale-detection task without replacement: no pair occurs twice.

    Parameters
    ----------
    task : ScaleDetection
        Its labels are 1 and -1; every set has half of its images of each.
    train, validation : int
        Numbers of images.
    test : int or None
        Number of images; None: all that are left of the rarer label and as many of the other, at
        most 4096 in all.
    scale : float or None
        Height of an active pixel; None: :math:`\sqrt{N^d/2}` for images of :math:`N^d` pixels,
        so that the mean square pixel is 1. The task's image noise is scaled, too.
    rng : seed or Generator
        For ``numpy.random.default_rng``.

    Raises
    ------
    TypeError, ValueError
        For an argument outside its range, and if the task has not as many pairs.

    Examples
    --------
    >>> from scaledet import ScaleDetection
    >>> data = task_data(ScaleDetection(size=128, xi=16, variant="T2"), rng=0)
    >>> len(data.train_labels), len(data.validation_labels), len(data.test_labels)
    (1024, 128, 768)
    >>> data.train_images.shape, float(data.train_images.max())
    ((1024, 1, 128), 8.0)
    """
    if not isinstance(task, ScaleDetection):
        raise ArgumentTypeError(f"task must be a ScaleDetection; got {shown(task)}")
    train = validate.integer("train", train, 1)
    validation = validate.integer("validation", validation, 0)
    if test is None:
        left = min(task.counts.values()) - (train + 1) // 2 - (validation + 1) // 2
        test = max(0, min(_MOST_TEST_IMAGES, 2 * left))
    height = math.sqrt(task.rule.pixels / 2)
    if scale is not None:
        height = validate.real("scale", scale, positive=True)
    parts = task.split(train, validation, test, rng=rng)
    arrays: dict[str, Any] = {}
    for name, part in zip(PARTS, parts, strict=True):
        arrays |= {f"{name}_images": height * part.images, f"{name}_labels": part.labels}
    return Data(**arrays, task=task, scale=height)
