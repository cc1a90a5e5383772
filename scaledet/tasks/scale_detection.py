"""The scale-detection tasks T1 and T2: two active pixels, closer than a scale or not."""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scaledet import validate
from scaledet.errors import ArgumentError, ArgumentTypeError
from scaledet.rationals import full_text, parsed
from scaledet.tasks.enumeration import PairOrder, pair_order
from scaledet.tasks.images import (
    add_pixels,
    as_images,
    as_positions,
    draw_images,
    draw_noisy,
    find_pairs,
)
from scaledet.tasks.moves import mean_square_displacement, move_freely, move_keeping_label
from scaledet.tasks.pairs import DistanceLaw, displacement_mask, distance_law, label_counts
from scaledet.tasks.rule import Norm, Rule, Variant
from scaledet.tasks.sampling import Part, Split, draw, draw_balanced, draw_parts, iterate

__all__ = ["DistanceLaw", "Part", "ScaleDetection", "Split"]


@dataclass(frozen=True, repr=False)
class ScaleDetection:
    r"""Images with two active pixels, labelled by whether these are closer than a scale.

    Two distinct pixels p, q of height 1 lie on a zero background.

    - ``variant="T1"``: label +1 if :math:`|p - q| < \xi - g`, -1 if :math:`|p - q| \ge \xi + g`;
      other pairs are left out. Squared distances are compared exactly, as rationals.
    - ``variant="T2"``: label +1 if p and q lie in the same block of side :math:`\xi` (blocks
      aligned at 0), -1 otherwise; no pair is left out.

    Parameters
    ----------
    size : int, default 128
        Side N of the image (pixels), from 2 to 2**30 in 1-D and to 2**15 in 2-D.
    xi : int, float or Fraction, default 14
        The scale (pixels), > 0, exact: a float stands for the decimal or the simple fraction that
        rounds to it. In T2 an integer that divides `size`, other than 1 and `size`.
    gap : int, float or Fraction, default 2
        Half the width g of the band of distances left out (pixels), >= 0. Not used in T2.
    variant : {"T1", "T2"}
        The rule for the label.
    dim : {1, 2}
        Dimension of the image.
    periodic : bool, default True
        Whether each axis contributes ``min(|p - q|, size - |p - q|)`` to the distance, or
        ``|p - q|``. It does not matter to the label in T2, nor to moves: `move_pairs` wraps around.
    norm : {"L2", "Linf"}
        How the axes combine into the distance. It does not matter in 1-D or to the label in T2.
    image_noise : float, default 0.0
        Standard deviation, >= 0, of independent Gaussian noise added to every pixel of every
        sampled image (units of the pixels' height).

    Raises
    ------
    TypeError, ValueError
        For a parameter outside its range, and if no pair would have one of the labels.

    Notes
    -----
    Pairs are unordered: integer arrays of shape ``[n, 2, dim]``, and those this class returns
    have the pixel of smaller raster index first. Everything that is not sampled is exact. Every
    `rng` is a seed or Generator for ``numpy.random.default_rng``: equal seeds, equal results.

    Source: Tomasini et al., arXiv:2210.01506, tasks 1 and 2.

    Examples
    --------
    >>> ScaleDetection()  # doctest: +NORMALIZE_WHITESPACE
    ScaleDetection(size=128, xi=14, gap=2, variant='T1', dim=1, periodic=True;
                   1408 pairs +1, 6208 pairs -1, 512 left out)
    >>> task = ScaleDetection(size=32, xi=8, variant="T2", dim=2)
    >>> task
    ScaleDetection(size=32, xi=8, variant='T2', dim=2; 32256 pairs +1, 491520 pairs -1)
    >>> images, labels = task.sample(6, rng=0)
    >>> images.shape, int(labels.sum()), images.sum(axis=(1, 2, 3)).tolist()
    ((6, 1, 32, 32), 0, [2.0, 2.0, 2.0, 2.0, 2.0, 2.0])
    """

    size: int = 128
    xi: int | float | Fraction = 14
    gap: int | float | Fraction = 2
    variant: Variant = "T1"
    dim: int = 1
    periodic: bool = True
    norm: Norm = "L2"
    image_noise: float = 0.0
    # The checked parameters, without the noise, as the other modules of this folder take them.
    rule: Rule = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        given = {name: getattr(self, name) for name in _parameters()}
        noise = validate.real("image_noise", given.pop("image_noise"), minimum=0)
        rule = Rule(**given)
        for name, value in {**vars(rule), "image_noise": noise, "rule": rule}.items():
            object.__setattr__(self, name, value)

    def __repr__(self) -> str:
        noise = f", image_noise={self.image_noise:g}" if self.image_noise else ""
        counts = f"{self.counts[1]} pairs +1, {self.counts[-1]} pairs -1"
        if self.variant == "T1":
            counts += f", {self.excluded} left out"
        return f"ScaleDetection({self.rule}{noise}; {counts})"

    def to_dict(self) -> dict[str, Any]:
        """Return the parameters as plain values for JSON, a ``Fraction`` as a string.

        The key of `image_noise` is "background", its former name, so that files and checkpoints
        written before still match.

        >>> ScaleDetection(xi=14.5).to_dict()["xi"]
        '29/2'
        """
        values = {name: getattr(self, name) for name in _parameters()}
        values["background"] = values.pop("image_noise")
        return {k: full_text(v) if isinstance(v, Fraction) else v for k, v in values.items()}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> ScaleDetection:
        """Return the task of which `data` is the `to_dict`.

        >>> ScaleDetection.from_dict({"size": 64, "xi": "29/2"}).xi
        Fraction(29, 2)
        """
        if not isinstance(data, Mapping):
            raise ArgumentTypeError(f"data must be a mapping of parameters to values; got {data!r}")
        known = [*_parameters(), "background"]
        values = dict(data)
        for name, value in data.items():
            if name not in known:
                raise ArgumentError(f"data must have keys among {', '.join(known)}; got {name!r}")
            if name in ("xi", "gap") and isinstance(value, str):
                try:
                    values[name] = parsed(value)
                except (ValueError, ZeroDivisionError):
                    raise ArgumentError(
                        f"{name} must be a number or a string like '29/2'; got {value!r}"
                    ) from None
        if "background" in values:
            values["image_noise"] = values.pop("background")
        return cls(**values)

    @property
    def total_pairs(self) -> int:
        """Number of unordered pairs of distinct pixels, left out or not.

        >>> ScaleDetection(size=32, xi=8, dim=2).total_pairs
        523776
        """
        return math.comb(self.rule.pixels, 2)

    @property
    def counts(self) -> dict[int, int]:
        """Number of unordered pairs of each label, exact and without enumeration.

        >>> ScaleDetection(size=4096, xi=64, variant="T2", dim=2).counts
        {1: 34351349760, -1: 140703128616960}
        """
        return dict(self._counts)

    @property
    def excluded(self) -> int:
        """Number of unordered pairs left out; 0 in T2."""
        return self.total_pairs - sum(self._counts.values())

    @cached_property
    def _counts(self) -> dict[int, int]:
        return label_counts(self.rule)

    @cached_property
    def _order(self) -> PairOrder:
        return pair_order(self.rule)

    def displacement_mask(self, label: int) -> NDArray[np.bool_]:
        """Return which displacements q - p have `label`: bool array [size] or [size, size].

        It is indexed by the displacement modulo `size` if `periodic`, else by its absolute value
        on each axis; the entry of displacement 0 is False. ValueError in T2, where the label is
        no function of the displacement.

        >>> ScaleDetection(size=8, xi=3, gap=0).displacement_mask(1).astype(int).tolist()
        [0, 1, 1, 0, 0, 0, 1, 1]
        """
        sign = _as_label(label)
        if self.variant == "T2":
            raise ArgumentError(
                "displacement_mask needs variant 'T1'; got 'T2', whose label does not depend on "
                "the displacement alone"
            )
        return displacement_mask(self.rule, sign)

    def distance_law(self, label: int) -> DistanceLaw:
        """Return the exact law of the distance of a uniform pair of `label`.

        The distance is that of `periodic` and `norm`, also in T2. The cost is one array over the
        distances on the axes, not over the pairs.

        >>> law = ScaleDetection(size=8, xi=4, variant="T2").distance_law(-1)
        >>> law.squared.tolist(), law.counts.tolist()
        ([1, 4, 9, 16], [2, 4, 6, 4])
        """
        return distance_law(self.rule, _as_label(label))

    def label_of(self, first: Any, second: Any) -> NDArray[np.int8]:
        """Return the label of each pair of pixels, shape [n], 0 for one that is not admitted.

        `first` and `second` are integer arrays of positions in ``[0, size)``, of shape
        ``[n, dim]``, in either order. Twice the same pixel is not admitted.

        >>> ScaleDetection(size=32, xi=8).label_of([[0], [0], [0]], [[27], [8], [22]]).tolist()
        [1, 0, -1]
        """
        p = as_positions("first", first, self.size, (self.dim,))
        q = as_positions("second", second, self.size, (self.dim,))
        if len(p) != len(q):
            raise ArgumentError(
                f"second must have as many rows as first, {len(p)}; got {len(q)} rows"
            )
        return self.rule.labels_of(p, q)

    def iter_pairs(
        self, label: int | None = None, chunk: int = 65536
    ) -> Iterator[NDArray[np.int64]]:
        """Return an iterator over `pairs` in arrays of `chunk` pairs, the last may be shorter.

        >>> [len(part) for part in ScaleDetection(size=8, xi=3, gap=0).iter_pairs(1, chunk=10)]
        [10, 6]
        """
        sign = None if label is None else _as_label(label)
        return iterate(self._order, sign, validate.integer("chunk", chunk, 1))

    def pairs(self, label: int | None = None) -> NDArray[np.int64]:
        """Return every admitted pair once, of one label or (None) of both, label +1 first.

        >>> ScaleDetection(size=4, xi=2, variant="T2").pairs(1).tolist()
        [[[0], [1]], [[2], [3]]]
        """
        return np.concatenate(list(self.iter_pairs(label)))

    def draw_pairs(
        self, n: int, *, rng: Any = None, label: int | None = None, balanced: bool = False
    ) -> tuple[NDArray[np.int64], NDArray[np.int8]]:
        """Draw `n` >= 1 independent pairs: positions int64 [n, 2, dim] and labels int8 [n].

        They are uniform over all admitted pairs; with `label`, 1 or -1, over those of that label;
        if `balanced`, over those of a label that a fair coin decides for each pair.

        >>> positions, labels = ScaleDetection().draw_pairs(1000, rng=0, balanced=True)
        >>> positions.shape, bool((labels == 1).sum() > 400)
        ((1000, 2, 1), True)
        """
        number = validate.integer("n", n, 1)
        fair = validate.flag("balanced", balanced)
        if label is not None and fair:
            raise ArgumentError(f"balanced must be False when label is given; got label={label!r}")
        sign = None if label is None else _as_label(label)
        return draw(self._order, number, sign, fair, validate.generator(rng))

    def sample(self, n: int, *, rng: Any = None) -> tuple[NDArray[np.float64], NDArray[np.int8]]:
        """Draw `n` >= 1 images, float64 [n, 1, size(, size)], and their labels, int8 [n].

        Half of them have each label (if `n` is odd, one has a random label), in random order.

        >>> images, labels = ScaleDetection(size=16, xi=4, gap=1).sample(4, rng=1)
        >>> images.shape, sorted(labels.tolist())
        ((4, 1, 16), [-1, -1, 1, 1])
        """
        number, generator = validate.integer("n", n, 1), validate.generator(rng)
        positions, labels = draw_balanced(self._order, number, generator)
        images = draw_noisy(positions, self.size, self.image_noise, generator)
        return images, labels

    def split(self, train: int, validation: int, test: int, *, rng: Any = None) -> Split:
        """Draw three parts, each balanced to within one image, in which no pair occurs twice.

        `train` >= 1, `validation` >= 0 and `test` >= 0 are their numbers of images. ValueError if
        the pairs of one label do not suffice; it names the largest feasible total.

        >>> parts = ScaleDetection(size=16, xi=4, gap=1).split(20, 6, 6, rng=0)
        >>> [len(part.labels) for part in parts], parts.train.images.shape
        ([20, 6, 6], (20, 1, 16))
        """
        sizes = [
            validate.integer("train", train, 1),
            validate.integer("validation", validation, 0),
            validate.integer("test", test, 0),
        ]
        generator = validate.generator(rng)
        parts = []
        for positions, labels in draw_parts(self._order, sizes, generator):
            images = draw_noisy(positions, self.size, self.image_noise, generator)
            parts.append(Part(images, labels, positions))
        return Split(*parts)

    def images(self, positions: Any) -> NDArray[np.float64]:
        """Draw clean images [n, 1, size(, size)] of the pairs at `positions` [n, 2, dim].

        Pixels that coincide have height 2.

        >>> ScaleDetection(size=4, xi=2, variant="T2").images([[[0], [1]], [[3], [3]]]).tolist()
        [[[1.0, 1.0, 0.0, 0.0]], [[0.0, 0.0, 0.0, 2.0]]]
        """
        return draw_images(self._as_pairs(positions), self.size)

    def _as_pairs(self, positions: Any) -> NDArray[np.int64]:
        return as_positions("positions", positions, self.size, (2, self.dim))

    def move_pairs(
        self, positions: Any, *, rng: Any = None, label_preserving: bool = False
    ) -> NDArray[np.int64]:
        r"""Move each pixel by one site along a random axis, random sign, around the torus.

        `positions`, integers [n, 2, dim], are not modified; the result has the same shape and
        order. The pixels of a pair may coincide. If `label_preserving`, draw uniformly from those
        of the :math:`(2d)^2` joint moves, never none, that keep the label: in T1 the pair stays
        on its side of `xi`, distance < xi or >= xi before and after; in T2 no pixel leaves its
        block, also when the label would survive it.

        >>> task = ScaleDetection(size=8, xi=2, variant="T2")
        >>> task.move_pairs([[[0], [5]]], rng=0, label_preserving=True).tolist()
        [[[1], [4]]]
        """
        where = self._as_pairs(positions)
        if validate.flag("label_preserving", label_preserving):
            return move_keeping_label(self.rule, where, validate.generator(rng))
        return move_freely(where, self.size, validate.generator(rng))

    def displace(
        self, images: Any, *, rng: Any = None, label_preserving: bool = False
    ) -> NDArray[Any]:
        """Move the active pixels of `images` as `move_pairs` does; any noise stays in place.

        `images` is a real array [n, 1, size] or [n, 1, size, size], not modified; the result has
        its shape and floating type. The active pixels are those above 0.5: two of height in
        (0.5, 1.5), or a collided one in (1.5, 2.5). An image with others, as strong noise
        makes likely, is a ValueError.

        >>> task = ScaleDetection(size=8, xi=2, variant="T2")
        >>> task.displace(task.images([[[0], [5]]]), rng=0, label_preserving=True).tolist()
        [[[0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0]]]
        """
        result = as_images(images, self.size, self.dim)
        where = find_pairs(result)
        moved = self.move_pairs(where, rng=rng, label_preserving=label_preserving)
        add_pixels(result, where, -1.0)
        add_pixels(result, moved, 1.0)
        return result

    def mean_square_displacement(self, *, balanced: bool = False) -> Fraction:
        r"""Return :math:`E|\tau x - x|^2` over the data set and the moves, exactly.

        :math:`\tau` is `move_pairs` with any move allowed. The value is 4 but for pairs within
        two steps of each other on the torus, where the pixels overlap or collide: in 1-D, 2 at
        distance 1 and 9/2 at distance 2. With `balanced` each label, rather than each admitted
        pair, has the same weight.

        >>> ScaleDetection(size=128, xi=14).mean_square_displacement()
        Fraction(473, 119)
        """
        fair = validate.flag("balanced", balanced)
        return mean_square_displacement(self.rule, fair)


def _parameters() -> list[str]:
    return [parameter.name for parameter in fields(ScaleDetection) if parameter.init]


def _as_label(value: Any) -> int:
    """Return `value` as a label, 1 or -1; integers of any type are accepted."""
    plain = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    return int(validate.choice("label", int(value) if plain else value, (1, -1)))
