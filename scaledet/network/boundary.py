"""The one rule of padding: which input sites the windows of a layer read along an axis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from scaledet.errors import ArgumentError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["BEYOND", "PADDED", "AxisRule", "Mode"]

Mode = Literal["zeros", "circular", "reflect", "replicate"]

PADDED = -1
"""Stands for a site of the padding that holds no pixel of the image."""
BEYOND = -2
"""Stands for a site beyond the padded image, met by the windows that `ceil_mode` adds."""


@dataclass(frozen=True)
class AxisRule:
    r"""Windows of a layer along one axis: output i reads the sites ``stride * i + j - left``.

    Attributes
    ----------
    length : int
        Length of the window (pixels), the gaps of its dilation included.
    stride : int
        Step between the windows (pixels).
    padding : (int, int), "same", "same-tf" or None
        Sites added to the left and to the right; None is the torus.
    mode : {"zeros", "circular", "reflect", "replicate"}
        What stands there.
    ceil : bool
        Whether a last window may overhang the padded image.

    Notes
    -----
    Sizes are those of PyTorch (``torch.nn.AvgPool2d``, ``Conv2d``); "same-tf" is the rule "SAME" of
    TensorFlow (``tf.nn.convolution``).
    """

    length: int
    stride: int = 1
    padding: tuple[int, int] | Literal["same", "same-tf"] | None = None
    mode: Mode = "zeros"
    ceil: bool = False

    def sides(self, size: int | None = None) -> tuple[int, int]:
        """Return the padding to the left and to the right of `size` pixels.

        Without a size, "same-tf" is that of any multiple of the stride.
        """
        if isinstance(self.padding, tuple):
            return self.padding
        if self.padding is None:
            return 0, 0
        if self.padding == "same":
            total = self.length - 1
        else:
            whole = self.stride if size is None else size
            last = (-(-whole // self.stride) - 1) * self.stride
            total = max(last + self.length - whole, 0)
        return total // 2, total - total // 2

    @property
    def divides(self) -> bool:
        """Whether a multiple of the stride gives as many outputs as on the torus."""
        return self.padding is None or self.length - self.stride <= sum(self.sides()) < self.length

    @property
    def is_torus(self) -> bool:
        """Whether every multiple of the stride passes as on the torus, up to a shift."""
        left, right = self.sides()
        wraps = self.padding is None or self.mode == "circular" or left == right == 0
        return wraps and self.divides and not self.ceil

    def outputs(self, size: int) -> int:
        """Return the length of the map that comes from one of `size` pixels.

        Raises
        ------
        ValueError
            If the padding does not fit the map, or nothing comes out; the layer is not named.
        """
        if self.padding is None:
            if size % self.stride:
                raise ArgumentError(
                    f"{size} pixels, on the torus they must be a multiple of the stride "
                    f"{self.stride}"
                )
            return size // self.stride
        left, right = self.sides(size)
        widest = {"reflect": size - 1, "circular": size}.get(self.mode)
        if widest is not None and max(left, right) > widest:
            raise ArgumentError(
                f"{size} pixels, for which padding_mode {self.mode!r} allows a padding of at most "
                f"{widest}, not {max(left, right)}"
            )
        room = size + left + right - self.length
        count = room // self.stride + 1
        if self.ceil:
            count = -(-room // self.stride) + 1
            # A last window that would start in the padding on the right is dropped.
            count -= (count - 1) * self.stride >= size + left
        if count < 1:
            raise ArgumentError(
                f"{size} pixels and {left + right} of padding, of which the window needs "
                f"{self.length}"
            )
        return count

    def places(self, size: int) -> NDArray[np.int64]:
        """Return the places that tap j of output i falls on, at index ``stride * i + j``.

        Those below 0 and from `size` on lie outside the map.
        """
        import numpy as np

        left, _ = self.sides(size)
        reach = self.stride * (self.outputs(size) - 1) + self.length
        return np.arange(-left, reach - left)

    def sites(self, size: int) -> NDArray[np.int64]:
        """Return the sites that tap j of output i reads, at index ``stride * i + j``.

        `PADDED` and `BEYOND` stand for sites that hold no pixel.

        >>> AxisRule(3, stride=2, padding=(1, 1), mode="reflect").sites(4)
        array([1, 0, 1, 2, 3])
        """
        import numpy as np

        places = self.places(size)
        outside = (places < 0) | (places >= size)
        if self.padding is None or self.mode == "circular":
            sites = places % size
        elif self.mode == "reflect":
            turned = np.abs(places)
            sites = np.where(turned < size, turned, 2 * (size - 1) - turned)
        elif self.mode == "replicate":
            sites = np.clip(places, 0, size - 1)
        else:
            sites = np.where(outside, PADDED, places)
        if self.padding is not None:
            sites = np.where(places >= size + self.sides(size)[1], BEYOND, sites)
        return sites
