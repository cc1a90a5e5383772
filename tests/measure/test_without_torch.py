"""PyTorch is an optional extra: the rest works without it, and errors say what to install."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

import scaledet as sd
from tests.cli.test_arguments import refused


@pytest.fixture
def without_torch(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)


@pytest.mark.usefixtures("without_torch")
@pytest.mark.parametrize(
    "call",
    [
        lambda: sd.measure.sensitivities(None, np.zeros((10, 1, 8))),
        lambda: sd.measure.filter_spectrum(None),
        lambda: sd.measure.load_model("torch.nn:ReLU"),
        lambda: sd.predict_trained(None, np.zeros((10, 1, 8))),
    ],
)
def test_what_to_install_is_said(call):
    with pytest.raises(ImportError, match=r"needs PyTorch: pip install scaledet\[torch\]"):
        call()


@pytest.mark.usefixtures("without_torch")
def test_the_command_says_so_in_a_line(run, tmp_path):
    np.savez(tmp_path / "images.npz", images=np.zeros((10, 1, 8)))
    refused(run, f"measure net:model --images {tmp_path / 'images.npz'}", "needs PyTorch")


def test_importing_the_wing_does_not_import_torch():

    code = (
        "import sys, scaledet as sd; sd.measure, sd.plots, sd.load; print('torch' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "False\n"
