"""Errors carry what is known, also through pickle, copy and process pools."""

from __future__ import annotations

import copy
import pickle

import pytest

import scaledet as sd
from scaledet.errors import CheckpointError, DerivationError


def exhausted() -> sd.ExhaustionError:
    with pytest.raises(sd.ExhaustionError) as caught:
        sd.predict(sd.Network.uniform(2, 2, 4), size=16)
    return caught.value


def refused() -> sd.FitError:
    with pytest.raises(sd.FitError) as caught:
        sd.fit_exponent([1, 2, 4, 8], [1, 0.5, 0.25, 0.2], [0.01] * 4)
    return caught.value


def unwritable() -> CheckpointError:
    return CheckpointError.at("run.sqlite", "database or disk is full")


def contradicted() -> DerivationError:
    return DerivationError("step 3 fails", step=3, reason="2 is not 3")


@pytest.mark.parametrize("make", [exhausted, refused, unwritable, contradicted])
@pytest.mark.parametrize(
    "through", [lambda e: pickle.loads(pickle.dumps(e)), copy.copy, copy.deepcopy]
)
def test_errors_round_trip(make, through) -> None:
    error = make()
    again = through(error)
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert vars(again) == vars(error)


def test_exhaustion_names_layer_and_depth() -> None:
    error = exhausted()
    assert (error.layer, error.largest_depth) == (4, 3)
    assert "layer 4" in str(error)
    assert "at most 3" in str(error)


@pytest.mark.parametrize("bad", [{0: 1, 1: 2}, {3, 1, 2}])
def test_unordered_kernels_are_refused(bad: object) -> None:
    with pytest.raises(TypeError, match="kernel must be an integer length or a sequence"):
        sd.Layer(bad)


def test_layers_and_norms_are_named() -> None:
    p = sd.predict(sd.Network.uniform(2, 2, 2))
    with pytest.raises(IndexError, match="exact_D must be indexed by a layer up to 2; got 99"):
        _ = p.exact_D[99]
