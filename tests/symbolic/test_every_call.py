"""`derive` at every kind of arguments: a fixed rotation here, all by `make derivations-all`."""

from __future__ import annotations

import importlib
import sys
from itertools import product
from typing import Any

import pytest

import scaledet as sd
from tests.pages import FOLDER

sys.path.insert(0, str(FOLDER))
every_call: Any = importlib.import_module("every_call")
sys.path.remove(str(FOLDER))


def kind_of(arguments: dict[str, Any]) -> str:
    layers = getattr(arguments.get("net"), "layers", None)
    kind = {name: arguments[name] for name in ("kernel", "stride", "order") if name in arguments}
    return str(layers or kind)


def setting_of(arguments: dict[str, Any]) -> tuple[str, str, str]:
    dim = arguments["net"].dim if "net" in arguments else arguments["dim"]
    return kind_of(arguments), f"dim {dim}", f"rectify {arguments['rectify']}"


@pytest.mark.parametrize(
    "arguments", every_call.rotation(), ids=lambda given: str(setting_of(given))
)
def test_every_step_is_confirmed(arguments: dict[str, Any]) -> None:
    page = sd.derive(**arguments)
    assert len(page.check()) == len(page.steps) > 0


def test_the_rotation_covers_all_pairs() -> None:
    def pairs(calls: list[dict[str, Any]]) -> set[tuple[str, str]]:
        settings = [setting_of(arguments) for arguments in calls]
        return {(a, b) for s in settings for a, b in product(s, s) if a < b}

    calls = [arguments for arguments, _ in every_call.calls()]
    assert len(calls) == len({setting_of(arguments) for arguments in calls}) > 400
    assert pairs(every_call.rotation()) == pairs(calls)
    assert len(every_call.rotation()) < len(calls) / 3


def test_what_is_left_out_is_refused() -> None:
    for kind, noises in every_call.KINDS:
        for noise in {*every_call.NOISES} - {*noises}:
            with pytest.raises(ValueError, match="with rectify='layers'"):
                sd.derive(**kind, rectify=noise)
