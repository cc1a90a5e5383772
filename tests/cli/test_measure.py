"""``scaledet measure``: models from files and functions, printed, saved and drawn."""

from __future__ import annotations

import numpy as np
import pytest

import scaledet as sd
from tests.cli.test_arguments import refused

torch = pytest.importorskip("torch")

MODEL = "torch.nn:Flatten"


@pytest.fixture
def images(tmp_path):
    path = tmp_path / "images.npz"
    np.savez(path, images=np.random.default_rng(0).random((20, 3, 8, 8)))
    return path


def test_prints_what_the_library_returns(run, run_json, images):
    line = f"measure {MODEL} --images {images} --displacement shift --layer output --rng 3"
    array = np.load(images)["images"]
    expected = sd.measure.sensitivities(
        torch.nn.Flatten(), array, "shift", layers=["output"], rng=3
    )
    assert run(line) == (0, f"{expected!r}\n", "")
    record = run_json(line)
    assert record["columns"]["D"] == expected.D.tolist()
    assert (record["samples"], record["deformation"]) == (20, None)


def test_options_reach_the_library(run, run_json, images, tmp_path):
    saved = tmp_path / "saved.npz"
    line = f"measure torchmodel14:model --images {images} --rng 0 --save {saved} --repeats 2"
    line += " --noise 0.1 --rectify noise --shuffle-channels 2 --convolution 0 --recalibrate always"
    line += " --average-channels --target-error 0.9 --batch-size 5"
    (tmp_path / "torchmodel14.py").write_text(
        "import torch\n\ndef model():\n    torch.manual_seed(0)\n"
        "    return torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4))\n"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path)
        record = run_json(line)
    result = sd.load(saved)
    assert (result.repeats, result.noise, result.sigma, result.rectify) == (
        2,
        "given",
        0.1,
        "noise",
    )
    assert (result.permutations, result.recalibrate, result.normalisations) == (2, "always", 1)
    assert (result.average_channels, result.target_error) == (True, 0.9)
    assert record["deformation"] == result.deformation.to_dict()
    assert record["D_shuffled"] == result.D_shuffled.tolist()
    shown = run_json(f"show {saved}")
    assert shown["columns"] == record["columns"]
    figure = tmp_path / "figure.svg"
    assert run(f"plot {saved} -o {figure}")[0] == 0
    assert "channels permuted" in figure.read_text()


def test_filter_spectra_are_shown_and_drawn(run, run_json, tmp_path):
    path = sd.measure.filter_spectrum(torch.nn.Conv1d(1, 2, 3)).save(tmp_path / "s.npz")
    assert len(run_json(f"show {path}")["tap_covariances"][0]) == 3
    assert run(f"plot {path} -o {tmp_path / 'f.png'}")[0] == 0


def test_predictions_of_trained_networks_are_shown_and_drawn(run, run_json, tmp_path):
    parts = torch.nn.Conv1d(1, 5, 2, 2), torch.nn.ReLU(), torch.nn.Conv1d(5, 4, 4), torch.nn.ReLU()
    images = np.random.default_rng(0).random((12, 1, 8))
    made = sd.predict_trained(torch.nn.Sequential(*parts), images, displacement="shift", rng=0)
    path = made.save(tmp_path / "p.npz")
    assert run(f"show {path}") == (0, f"{made!r}\n", "")
    shown = run_json(f"show {path}")
    assert shown["columns"]["D_coherent"] == made.D_coherent.tolist()
    assert shown["columns"]["D_box"][1] == 0.0  # Its only window is the whole torus.
    assert shown["log_ratios"]["box"][1] is None
    figure = tmp_path / "figure.svg"
    assert run(f"plot {path} -o {figure}")[0] == 0
    assert "boxes: no positive finite value at A = " in figure.read_text()


def test_predict_reaches_the_library(run, run_json, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    images = np.random.default_rng(0).random((12, 1, 8))
    np.savez("images.npz", images=images)
    (tmp_path / "torchmodel15.py").write_text(
        "import torch\n\ndef model():\n    torch.manual_seed(0)\n"
        "    return torch.nn.Sequential(torch.nn.Conv1d(1, 4, 3), torch.nn.ReLU())\n"
    )
    line = "measure torchmodel15:model --images images.npz --displacement shift --rng 3 --predict"
    line += " --layer 0 --shuffle-channels 2 --batch-size 5 --theory-images 11"
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Conv1d(1, 4, 3), torch.nn.ReLU())
    given = {"displacement": "shift", "shuffle_channels": 2, "theory_images": 11, "batch_size": 5}
    expected = sd.predict_trained(model, images, rng=3, **given)
    assert run(line) == (0, f"{expected!r}\n", "")
    assert run_json(line)["images"] == 11
    for option in ("--noise 0.1", "--repeats 2", "--average-channels", "--recalibrate always"):
        words = f"argument {option.split()[0]}: must be left out with --predict"
        refused(run, f"{line} {option}", words)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("measure {0} --images {1}", "state dict, which has weights but no network"),
        (f"measure {MODEL} --images {{0}}", "argument --images: must be an .npz file"),
        (f"measure {MODEL} --images absent.npz", "argument --images: cannot read 'absent.npz'"),
        (f"measure {MODEL} --images {{1}} --images {{1}}", "--images: must be given once"),
        (f"measure {MODEL} --images {{1}} --array other", "must be one of images; got 'other'"),
        (f"measure {MODEL} --images {{2}}", "argument --array: must be one of a, b; got None"),
        (f"measure {MODEL} --images {{3}}", "argument --images: must be an .npz file"),
        (f"measure {MODEL} --images {{1}} --noise much", "argument --noise: expected a number"),
        (f"measure {MODEL} --images {{1}} --layer conv", "layers must be among"),
        (f"measure {MODEL} --images {{1}} --shuffle-channels 0", "shuffle_channels must be"),
        (f"measure {MODEL} --images {{1}} --save {{1}}", "save"),
        (f"measure {MODEL} --images {{1}} --predict", "model must have a convolution; got none"),
        (f"measure {MODEL} --images {{1}} --theory-images 3", "left out without --predict"),
        (f"measure {MODEL}", "required: --images"),
    ],
)
def test_bad_arguments_are_refused(run, images, tmp_path, line, words):
    state, several, objects = (tmp_path / name for name in ("state.pt", "two.npz", "objects.npz"))
    torch.save(torch.nn.Conv2d(3, 2, 3).state_dict(), state)
    np.savez(several, a=np.zeros(3), b=np.zeros(3))
    np.savez(objects, a=np.array([{}], dtype=object))
    refused(run, line.format(state, images, several, objects), words)
