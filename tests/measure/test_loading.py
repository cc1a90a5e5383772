"""Models from files and functions; nothing is unpickled unasked, and what is no model refused."""

from __future__ import annotations

import os
import sys
import warnings
import zipfile

import numpy as np
import pytest

import scaledet as sd

torch = pytest.importorskip("torch")
nn = torch.nn
load_model = sd.measure.load_model

from tests.measure.networks import convolutional  # noqa: E402

IMAGES = np.random.default_rng(5).random((20, 3, 10, 10))


def exported(path, batch=torch.export.Dim.DYNAMIC):
    example = (torch.zeros(2, 3, 10, 10),)
    shapes = None if batch is None else ({0: batch},)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        program = torch.export.export(convolutional(), example, dynamic_shapes=shapes)
        torch.export.save(program, path)
    return path


def scripted(path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.jit.script(convolutional()).save(str(path))
    return path


def measured(model, **given):
    return sd.measure.sensitivities(model, IMAGES, "shift", rng=0, **given)


def test_an_exported_model_has_the_layers_of_the_original(tmp_path):
    original, loaded = measured(convolutional()), measured(load_model(exported(tmp_path / "m.pt2")))
    assert {"input", "0", "3", "7", "9"} <= set(loaded.layers)
    for name in ("input", "0", "3", "7", "9"):
        ours, theirs = (result.layers.index(name) for result in (original, loaded))
        assert loaded.D[theirs] == pytest.approx(original.D[ours], rel=1e-5)
        assert loaded.G_err[theirs] == pytest.approx(original.G_err[ours], rel=1e-5)


def test_convolutions_of_an_exported_model_are_permuted_if_named(tmp_path):
    given = {"layers": ["9"], "shuffle_channels": 2, "convolutions": ["3", "7"]}
    original = measured(convolutional(), **given)
    loaded = measured(load_model(exported(tmp_path / "m.pt2")), **given)
    np.testing.assert_allclose(loaded.D_shuffled, original.D_shuffled, rtol=1e-5)
    assert abs(original.channel_pooling[0] - 1) > 1e-3


def test_an_exported_model_needs_a_dynamic_axis(tmp_path):
    model = load_model(exported(tmp_path / "m.pt2", batch=None))
    with pytest.raises(ValueError, match=r"an exported model needs a dynamic first axis"):
        measured(model)


def test_an_exported_program_is_accepted_as_it_is():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        shapes = ({0: torch.export.Dim.DYNAMIC},)
        example = (torch.zeros(2, 3, 10, 10),)
        program = torch.export.export(convolutional(), example, dynamic_shapes=shapes)
    original, loaded = (measured(model, layers=["9"]) for model in (convolutional(), program))
    assert loaded.D[0] == pytest.approx(original.D[0], rel=1e-5)


def test_the_layers_of_torchscript_are_its_operators(tmp_path):
    model = load_model(scripted(tmp_path / "m.pt"))
    model.train()
    original, loaded = measured(convolutional()), measured(model)
    assert model.training
    pairs = {"0": "convolution", "3": "convolution#2", "7": "convolution#3", "9": "addmm"}
    pairs |= {"1": "native_batch_norm", "2": "relu_", "2#2": "relu_#2", "5": "avg_pool2d"}
    known = [label for label in pairs.values() if label in loaded.layers]
    assert len(known) >= 7
    for name, label in pairs.items():
        if label in known and name != "5":
            ours, theirs = original.layers.index(name), loaded.layers.index(label)
            assert loaded.D[theirs] == pytest.approx(original.D[ours], rel=1e-5), label
    assert measured(model, layers=["addmm", "convolution"]).layers[:2] == ("addmm", "convolution")
    with pytest.raises(ValueError, match="model must have a convolution"):
        measured(model, shuffle_channels=1)


def test_a_function_that_returns_a_model(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mynet14.py").write_text(
        "import torch\nsize = 3\n\ndef trained():\n    return torch.nn.Conv2d(3, size, 3)\n"
        "\ndef number():\n    return 3\n"
    )
    before = list(sys.path)
    assert isinstance(load_model("mynet14:trained"), nn.Conv2d)
    for source, words in {
        "mynet14:absent": "mynet14 has no function 'absent'",
        "mynet14:size": "mynet14 has no function 'size'",
        "nowhere14.net:trained": "No module named 'nowhere14'",
        "mynet14:number": "model must be a torch.nn.Module; got 3",
    }.items():
        with pytest.raises(ValueError, match=words):
            load_model(source)
    assert sys.path == before


class Trap:
    """Makes a folder when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (os.mkdir, (str(self.path),))


def test_state_dicts_and_pickles_are_refused(tmp_path):
    path, trace = tmp_path / "m.pt", tmp_path / "trace"
    torch.save(convolutional().state_dict(), path)
    with pytest.raises(
        ValueError, match="a state dict, which has weights but no network"
    ) as caught:
        load_model(path)
    for needed in ("torch.export.save", "torch.jit.save", "package.module:function"):
        assert needed in str(caught.value)
    with pytest.raises(TypeError, match="got a state dict"):
        load_model(path, unpickle=True)
    torch.save(Trap(trace), path)
    with pytest.raises(ValueError, match="unpickle=True"):
        load_model(path)
    assert not trace.exists()
    torch.save(convolutional(), path)
    assert isinstance(load_model(path, unpickle=True), nn.Sequential)


def test_pickles_inside_an_export_are_not_loaded(tmp_path):
    """The sample inputs of an export are such; PyTorch falls back on pickle for them."""
    path, trace, inner = exported(tmp_path / "m.pt2"), tmp_path / "trace", tmp_path / "inner.pt"
    torch.save((Trap(trace),), inner)
    changed = tmp_path / "changed.pt2"
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(changed, "w") as new:
        for name in old.namelist():
            sample = name.endswith("sample_inputs/model.pt")
            new.writestr(name, inner.read_bytes() if sample else old.read(name))
    with pytest.raises(ValueError, match="cannot be loaded"):
        load_model(changed)
    assert not trace.exists()
    with pytest.raises(ValueError, match="cannot be loaded"):  # for Trap is no sample input
        load_model(changed, unpickle=True)
    assert trace.exists()


@pytest.mark.parametrize("content", [b"", b"weights", None])
def test_other_files_are_refused(tmp_path, content):
    path = tmp_path / "file"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ValueError, match=r"model must be an archive of torch.export.save"):
        load_model(path)
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        archive.writestr("readme", "none")
    with pytest.raises(ValueError, match="is none of them"):
        load_model(tmp_path / "other.zip")
