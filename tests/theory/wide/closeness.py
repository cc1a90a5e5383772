"""Equality of arrays up to a relative error."""

from __future__ import annotations

import numpy as np


def close(values, exact, error):
    return np.shape(values) == np.shape(exact) and bool((abs(values / exact - 1) <= error).all())
