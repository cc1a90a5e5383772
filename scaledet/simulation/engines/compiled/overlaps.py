"""Windows of one image that overlap, compiled: what each holds, and what it takes from others.

Where two overlap, the later one is blank (background), so that every pixel of the image counts
once. Before windows are pooled they are extended by what the others hold: pooled and rectified is
the image itself, and no layer is taken to be linear.
"""

from __future__ import annotations

from scaledet.simulation.engines.compiled.compilation import Integers, inlined
from scaledet.simulation.engines.compiled.vectors import number, put

__all__ = ["share"]


@inlined
def share(
    starts: Integers,
    first: int,
    count: int,
    maps: tuple[int, int, int, int, float],
    blank: bool,
    values: int,
    extended: int,
) -> None:
    """Let overlapping windows of an image share what they hold, if it has several.

    `maps` is (window, side, left, width, background). With `blank`, windows hold background where
    earlier ones of the image cover them. Else windows `values` are written into `extended` ones of
    `width`, their old beginnings at `left`: what they lack is taken from the other windows, and is
    background where there is none.
    """
    window, side, left, width, background = maps
    parts, dim = starts.shape[0], starts.shape[2]
    half = parts * count
    columns, rows = 2 * half, width ** (dim - 1)
    for row in range(0 if blank else rows):
        rest, inside, source, unit = row, True, 0, window
        for _ in range(dim - 1):
            at = rest % width - left
            rest //= width
            inside = inside and 0 <= at < window
            source += at * unit
            unit *= window
        for i in range(width):
            into, begin = (row * width + i) * columns, (source + i - left) * columns
            if inside and left <= i < left + window:
                for column in range(columns):
                    put(extended, into + column, number(values, begin + column))
            else:
                for column in range(columns):
                    put(extended, into + column, background)
    for part in range(parts):
        for other in range(part if blank else parts):
            for image in range(count):
                to, other_to = part * count + image, other * count + image
                near = other != part
                for axis in range(dim):
                    # Where this window begins in the other.
                    here = starts[part, first + image, axis] - left
                    apart = (here - starts[other, first + image, axis]) % side
                    near = near and (apart < window or apart + width > side)
                for row in range(rows if near else 0):
                    rest, inside, source, unit = row, True, 0, window
                    within = True
                    for axis in range(dim - 2, -1, -1):
                        i = rest % width
                        rest //= width
                        within = within and left <= i < left + window
                        here = starts[part, first + image, axis] - left + i
                        at = (here - starts[other, first + image, axis]) % side
                        inside = inside and at < window
                        source += at * unit
                        unit *= window
                    here = starts[part, first + image, dim - 1] - left
                    apart = here - starts[other, first + image, dim - 1]
                    for i in range(width if inside else 0):
                        at = (apart + i) % side
                        # A window knows better than a later one, which is blank there.
                        if at < window and (
                            other < part or not (within and left <= i < left + window)
                        ):
                            place = (row * width + i) * columns + to
                            if blank:
                                put(values, place, background)
                                put(values, place + half, background)
                            else:
                                origin = (source + at) * columns + other_to
                                put(extended, place, number(values, origin))
                                put(extended, place + half, number(values, origin + half))
