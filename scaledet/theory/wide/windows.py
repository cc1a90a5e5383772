"""The sites at which two images can differ from a blank one, layer by layer, and what they read."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from scaledet.network.filter_law import FilterLaw
from scaledet.network.network import Network
from scaledet.network.tap_covariance import window_sites

__all__ = ["Map", "Sites", "WideNetwork", "announce"]

Integers = NDArray[np.int64]

_HELD = 2**21
"""Covariances that are held at a time."""

_SECONDS = 1.1e-7
"""CPU seconds per unit of `WideNetwork.work`, roughly."""
_ROW = 0.1
"""Units of it for a covariance of every row of means and biases, roughly."""
_LONG = 60.0


@dataclass(frozen=True)
class Map:
    """The sites of one map that matter, of B pairs of images, or of all pairs alike (B = 1).

    The last place stands for all other sites, where the images are blank, and for the padding.

    Attributes
    ----------
    real : ndarray of bool, shape [B, V]
        Which places stand for a site; the others fill up the rows.
    reads : ndarray of int, shape [B, V, F], or None
        Where the taps of each place read in the map before; None for the images.
    """

    real: NDArray[np.bool_]
    reads: Integers | None


Sites = Integers
"""Sites in raster order, rows sorted, filled up with the number of sites of the map."""


@dataclass(frozen=True, eq=False)
class WideNetwork:
    """A network on images of given sides, and the laws of its filters.

    Attributes
    ----------
    network : Network
        A chain of layers.
    sides : tuple of int
        Sides of the images.
    laws : tuple of FilterLaw
        One per layer.
    rectified : bool
        Whether the layers rectify.
    """

    network: Network
    sides: tuple[int, ...]
    laws: tuple[FilterLaw, ...]
    rectified: bool

    @cached_property
    def maps(self) -> tuple[tuple[int, ...], ...]:
        """Sides of the maps k = 0 ... depth."""
        return self.network.sizes(self.sides)

    @cached_property
    def counts(self) -> NDArray[np.float64]:
        """Number of sites of every map."""
        return np.array([float(np.prod(sides)) for sides in self.maps])

    @cached_property
    def biased(self) -> bool:
        """Whether a blank image stays blank no longer."""
        return any(law.biased for law in self.laws)

    @cached_property
    def coherent(self) -> bool:
        """Whether the mean over channels matters beside the covariances."""
        return any(law.means is not None for law in self.laws)

    @cached_property
    def blank_is_uniform(self) -> bool:
        """Whether a blank image is alike at all sites of every layer, and padding is like it."""
        if not self.biased:
            return True
        rules = [layer.rule(axis, self.network.dim) for layer in self.network for axis in self.axes]
        return all(
            rule.padding in (None, (0, 0)) or (rule.padding != "same-tf" and rule.mode != "zeros")
            for rule in rules
        )

    @cached_property
    def rows(self) -> tuple[int, ...]:
        """Number of rows of means and biases of every layer; 0 without."""
        return tuple(0 if law.rows is None else len(law.rows[1]) for law in self.laws)

    def work(self, widths: NDArray[np.float64]) -> float:
        """Return the time that a pair of images takes, for so many places of every map.

        The unit is that of a covariance without means and biases.
        """
        random = [law.weight_variance * np.trace(law.taps.matrix) > 0 for law in self.laws]
        each = np.array([1.0, *1 + _ROW * np.array(self.rows) * random])
        return 4 * float((each * widths ** np.where(self.crossed, 2, 1)).sum())

    @cached_property
    def effort(self) -> float:
        """The `work` of a pair of images at all sites."""
        return self.work(self.counts)

    def at_a_time(self, widths: NDArray[np.float64] | None = None, channels: int = 1) -> int:
        """Return the number of pairs of images, of so many places, that are held at a time.

        Where images have more `channels` than covariances, it is these that count.
        """
        places = self.counts + 1 if widths is None else widths
        rows = np.array([1, *self.rows])
        many = np.maximum(places ** np.where(self.crossed, 2, 1), places * rows)
        return max(1, int(_HELD / (4 * max(float(many.max()), channels))))

    @property
    def axes(self) -> range:
        """The axes of the images."""
        return range(len(self.sides))

    @cached_property
    def crossed(self) -> tuple[bool, ...]:
        """Whether covariances between different sites of map k matter, k = 0 ... depth."""
        last = max((k for k, law in enumerate(self.laws, 1) if not law.taps.diagonal), default=0)
        return tuple(k < last for k in range(len(self.laws) + 1))

    @cached_property
    def tables(self) -> list[Integers]:
        """`window_sites` of every layer; a last row, and the padding, stand for no site."""
        tables = []
        for layer, sides in zip(self.network, self.maps[:-1], strict=True):
            table = window_sites(layer, sides)
            table = np.concatenate([table, np.full((1, table.shape[1]), -1)])
            tables.append(np.where(table < 0, int(np.prod(sides)), table))
        return tables

    @cached_property
    def readers(self) -> list[Integers]:
        """The outputs that read each site, filled up with the number of outputs."""
        result = []
        for table, sides in zip(self.tables, self.maps[:-1], strict=True):
            count, outputs = int(np.prod(sides)), len(table) - 1
            output, _ = np.divmod(np.arange(outputs * table.shape[1]), table.shape[1])
            site = table[:-1].ravel()
            order = np.argsort(site, kind="stable")
            site, output = site[order], output[order]
            output, site = output[site < count], site[site < count]
            begins = np.searchsorted(site, np.arange(count + 1))
            most = int(np.diff(begins).max(initial=1))
            readers = np.full((count + 1, most), outputs)
            readers[site, np.arange(len(site)) - begins[site]] = output
            result.append(readers)
        return result

    def everywhere(self) -> Iterator[Map]:
        """Yield the maps with all their sites, for any images."""
        counts = [int(count) for count in self.counts]
        for k, count in enumerate(counts):
            real = np.arange(count + 1)[None] < count
            yield Map(real, self.tables[k - 1][None] if k else None)

    def around(self, pixels: Sites) -> Iterator[tuple[Map, Sites]]:
        """Yield the maps with the sites that see any of `pixels` [B, n], and these sites."""
        counts = [int(count) for count in self.counts]
        sites = _distinct(pixels, counts[0])
        yield Map(_real(sites, counts[0]), None), sites
        for k, (table, readers) in enumerate(zip(self.tables, self.readers, strict=True), start=1):
            before, count = sites, counts[k]
            sites = _distinct(readers[before].reshape(len(before), -1), count)
            wanted = table[np.concatenate([sites, np.full((len(sites), 1), count)], axis=1)]
            yield Map(_real(sites, count), place_of(wanted, before, counts[k - 1])), sites


def announce(work: float, what: str, caller: str = "predict_wide") -> None:
    """Warn if so much work of `caller`, a public function, will take longer than a minute."""
    seconds = _SECONDS * work
    if seconds > _LONG:
        unit, name = (60, "minutes") if seconds < 5400 else (3600, "hours")
        warnings.warn(f"{caller}: {what} will take about {seconds / unit:.2g} {name}", stacklevel=2)


def _real(sites: Sites, count: int) -> NDArray[np.bool_]:
    ends = np.zeros((len(sites), 1), dtype=bool)
    return np.concatenate([sites < count, ends], axis=1)


def _distinct(sites: Sites, count: int) -> Sites:
    """Return each site of a row once, sorted; rows are filled up with `count`, and cut."""
    ordered = np.sort(sites, axis=1)
    again = ordered[:, 1:] == ordered[:, :-1]
    ordered[:, 1:][again] = count
    ordered = np.sort(ordered, axis=1)
    width = int((ordered < count).sum(axis=1).max(initial=1))
    return ordered[:, : max(width, 1)]


def place_of(wanted: Integers, sites: Sites, count: int) -> Integers:
    """Return the place in its row of `sites` of every wanted site; the place after them if none."""
    rows, width = sites.shape
    row = np.arange(rows).reshape(-1, *(1,) * (wanted.ndim - 1)) * (count + 1)
    keys = (sites + np.arange(rows)[:, None] * (count + 1)).ravel()
    place = np.searchsorted(keys, wanted + row)
    present = (wanted < count) & (keys[np.minimum(place, len(keys) - 1)] == wanted + row)
    first = row // (count + 1) * width
    return np.asarray(np.where(present, place - first, width))
