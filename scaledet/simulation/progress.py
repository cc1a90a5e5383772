"""What a long run shows on stderr: one line before it, then a bar."""

from __future__ import annotations

import math
import sys
from typing import Any

__all__ = ["Progress"]


class Progress:
    """Estimated time and memory, then images done with rate and remaining time; or nothing."""

    def __init__(self, what: str, samples: int, stored: int, *, shown: bool) -> None:
        self.announced = not shown
        self._what = what
        self._samples = samples
        self._stored = stored
        self._finished = stored
        self._bar: Any = None

    def announce(self, seconds: float, memory: int) -> None:
        """Tell the estimated time (seconds) and memory (bytes), once, and start the bar."""
        if self.announced:
            return
        self.announced = True
        stored = f", {self._stored} of them stored" if self._stored else ""
        sys.stderr.write(
            f"{self._what}: about {seconds:.1f} s and {math.ceil(memory / 2**20)} MB for "
            f"{self._samples} samples{stored}\n"
        )
        from tqdm.auto import tqdm

        self._bar = tqdm(
            total=self._samples,
            initial=self._finished,
            unit="image",
            unit_scale=True,
            desc=self._what,
        )

    def advance(self, images: int) -> None:
        """Count images that are done."""
        self._finished += images
        if self._bar is not None:
            self._bar.update(images)

    def close(self) -> None:
        """Leave the bar as it is."""
        if self._bar is not None:
            self._bar.close()
