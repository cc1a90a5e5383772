"""PyTorch is an optional extra: what needs it says what to install."""

from __future__ import annotations

import subprocess
import sys

import pytest

import scaledet as sd


@pytest.mark.parametrize(
    "call",
    [
        lambda: sd.train.ring_net(2),
        lambda: sd.train.train(None, None, None),
        lambda: sd.train.vgg(3),
        lambda: sd.train.units(None),
        lambda: sd.train.calibrate(None, None),
    ],
)
def test_what_to_install_is_said(call, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ImportError, match=r"needs PyTorch: pip install scaledet\[torch\]"):
        call()


def test_data_recipes_and_the_wing_need_no_torch():
    code = (
        "import sys, scaledet as sd; sys.modules['torch'] = None;"
        "print(sd.train.task_data(sd.ScaleDetection(16, 4, 1), train=8, validation=0, rng=0));"
        "sd.train.Recipe(learning_rate=1, batch_size=8, epochs=1), sd.load, sd.plots"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.startswith("Data(8 images")
