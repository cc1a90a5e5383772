"""Saved results: round trip, plain format, refusals, atomic writes."""

from __future__ import annotations

import copy
import json
import pickle
import random
import zipfile
from fractions import Fraction

import numpy as np
import pytest

import scaledet as sd
from scaledet.results import storage

ARRAYS = ("D", "G", "R", "A", "support", "Q", "G_mean", "G_variance")


NET = sd.Network([sd.Layer([1, 2, 1], bias=Fraction(1, 3)), sd.Layer(3, 2), sd.Layer([0.1, 1])])
TASK = sd.ScaleDetection(size=16, xi=Fraction(9, 2), gap=1, periodic=False)


@pytest.mark.parametrize(
    "options",
    [
        {"size": 18},
        {"rectify": None},
        {"task": TASK, "balanced": True, "sigma": 0.25, "rectify": "noise"},
    ],
)
def test_round_trip(options, tmp_path):
    result = sd.predict(NET, **options)
    path = result.save(tmp_path / "result.npz")
    assert path == tmp_path / "result.npz"
    again = sd.load(str(path))
    assert type(again) is type(result)
    for name in ARRAYS:
        assert np.array_equal(getattr(again, name), getattr(result, name))
    for name in ("network", "size", "rectify", "sigma", "task", "balanced"):
        assert getattr(again, name) == getattr(result, name)
    assert again.exact_D == result.exact_D
    assert repr(again) == repr(result)
    with pytest.raises(ValueError, match="read-only"):
        again.D[0] = 0


def test_the_format_is_plain(tmp_path):
    """zipfile, json and numpy read it, without scaledet."""
    result = sd.predict(sd.Network.uniform([1, 2, 1], 2, depth=3), size=16)
    path = result.save(tmp_path / "result.npz")
    with zipfile.ZipFile(path) as archive:
        meta = json.loads(archive.read("meta.json"))
        assert sorted(archive.namelist()) == sorted(["meta.json", *(f"{n}.npy" for n in ARRAYS)])
    assert meta["format"] == 1
    assert meta["kind"] == "prediction"
    assert meta["size"] == 16
    assert meta["network"]["layers"] == [
        {"count": 3, "kernel": ["1/4", "1/2", "1/4"], "signed": False, "stride": 2, "bias": "0"}
    ]
    with np.load(path, allow_pickle=False) as stored:
        assert np.array_equal(stored["D"], result.D)


def test_any_name_and_overwriting(tmp_path):
    net = sd.Network.uniform(2, 2, depth=3)
    path = tmp_path / "no suffix"
    sd.predict(net, size=16).save(path)
    sd.predict(net, size=32).save(path)
    assert sd.load(path).size == 32
    assert [entry.name for entry in tmp_path.iterdir()] == ["no suffix"]


def write_zip(path, meta=None, **members):
    with zipfile.ZipFile(path, "w") as archive:
        if meta is not None:
            archive.writestr("meta.json", meta if isinstance(meta, str) else json.dumps(meta))
        for name, data in members.items():
            archive.writestr(name, data)


DESCRIPTION = dict.fromkeys(("task", "size", "rectify", "sigma"))
DESCRIPTION |= {"format": 1, "kind": "prediction", "network": sd.Network.uniform(2).to_dict()}
DESCRIPTION |= {"balanced": False}
FOREIGN = {
    "no zip": lambda path: path.write_bytes(b"D_k = 1/(k+1)"),
    "empty file": lambda path: path.write_bytes(b""),
    "zip without meta": lambda path: write_zip(path, hello="x"),
    "no JSON": lambda path: write_zip(path, "{"),
    "no dictionary": lambda path: write_zip(path, [1]),
    "other format": lambda path: write_zip(path, {"format": 2, "kind": "prediction"}),
    "no format": lambda path: write_zip(path, {"kind": "prediction"}),
    "other kind": lambda path: write_zip(path, {"format": 1, "kind": "pickle"}),
    "kind that is no word": lambda path: write_zip(path, {"format": 1, "kind": []}),
    "no kind": lambda path: write_zip(path, {"format": 1}),
    "no content": lambda path: write_zip(path, {"format": 1, "kind": "prediction"}),
    "no network": lambda path: write_zip(path, {**DESCRIPTION, "network": None}),
    "no arrays": lambda path: write_zip(path, DESCRIPTION),
    "plain npz": lambda path: np.savez(path, D=np.ones(3)),
    "plain npy": lambda path: np.save(path, np.ones(3)),
    "not UTF-8": lambda path: write_zip(path, hello="x") or path.write_bytes(b"\xff\xfe{}"),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_foreign_files_are_refused_and_left_alone(name, tmp_path):
    path = tmp_path / "foreign.npz"
    FOREIGN[name](path)
    if not path.exists():
        path = tmp_path / "foreign.npz.npy"
    before = path.read_bytes()
    with pytest.raises(ValueError, match=r"path must name a (file saved by scaledet|saved pred)"):
        sd.load(path)
    assert path.read_bytes() == before


def test_pickled_arrays_are_refused(tmp_path):
    result = sd.predict(sd.Network.uniform(2, 2, depth=2), size=16)
    path = result.save(tmp_path / "result.npz")
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    evil = tmp_path / "evil.npy"
    np.save(evil, np.array([{}], dtype=object), allow_pickle=True)
    members["D.npy"] = evil.read_bytes()
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    with pytest.raises(ValueError, match=r"path must name a file saved by scaledet.*pickle"):
        sd.load(path)


def test_corrupt_files_are_refused_or_harmless(tmp_path):
    """Truncated anywhere: refused. One bit flipped: refused, or the numbers are untouched."""
    result = sd.predict(sd.Network.uniform(2, 2, depth=3), size=16)
    path = result.save(tmp_path / "result.npz")
    raw = path.read_bytes()
    for length in range(0, len(raw), 61):
        path.write_bytes(raw[:length])
        with pytest.raises(ValueError, match="path must name a file saved by scaledet"):
            sd.load(path)
    rng = random.Random(3)
    refused = harmless = 0
    for _ in range(700):
        flipped = bytearray(raw)
        flipped[rng.randrange(len(raw))] ^= 1 << rng.randrange(8)
        path.write_bytes(flipped)
        try:
            again = sd.load(path)
        except ValueError as error:
            refused += "path must name a" in str(error)
        else:
            harmless += all(np.array_equal(getattr(again, n), getattr(result, n)) for n in ARRAYS)
        assert path.read_bytes() == flipped
    assert refused + harmless == 700
    assert refused > 350


def rewritten(path, meta, without=()):
    """The file with other meta data, and without some arrays."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("meta.json", json.dumps(meta(json.loads(members.pop("meta.json")))))
        for name, data in members.items():
            if name not in without:
                archive.writestr(name, data)


def test_simulations_saved_before_there_were_engines_are_read(tmp_path):
    result = sd.simulate(sd.Network.uniform(2, 2, depth=2), size=16, samples=100, rng=0)
    path = result.save(tmp_path / "result.npz")
    later = ("engine", "partial", "target_error", "control_variates")
    rewritten(path, lambda meta: {k: v for k, v in meta.items() if k not in later}, ["gain.npy"])
    again = sd.load(path)
    assert np.array_equal(again.covariance, result.covariance)
    assert (again.engine, again.partial, again.target_error) == ("numpy", False, None)
    assert again.control_variates is False
    assert again.gain.tolist() == [1, 1, 1]
    assert repr(again) == repr(result)


def test_simulations_saved_before_the_covariance_held_q_are_read(tmp_path):
    """The means and their covariance, which the file holds, determine it."""
    result = sd.simulate(sd.Network.uniform(2, 2, depth=2), size=16, samples=100, rng=0)
    facts, arrays = result.to_stored()
    early = {**arrays, "covariance": result.covariance[:6, :6]}
    again = sd.load(storage.write(tmp_path / "early.npz", "simulation", facts, early))
    assert again.covariance.shape == (9, 9)
    assert np.array_equal(again.covariance, result.covariance)
    with pytest.raises(ValueError, match="read-only"):
        again.covariance[0, 0] = 1


@pytest.mark.parametrize(
    "change",
    [
        lambda meta: {**meta, "runs": meta["runs"][:1]},
        lambda meta: {**meta, "runs": [*meta["runs"], meta["runs"][0]]},
        lambda meta: {**meta, "runs": None},
        lambda meta: {**meta, "runs": [{**run, "size2": 1} for run in meta["runs"]]},
        lambda meta: {name: meta[name] for name in meta if name != "partial"},
    ],
)
def test_incomplete_sweeps_are_refused(tmp_path, change):
    net = sd.Network.uniform(2, 2, depth=2)
    path = sd.sweep([net], [16, 32], samples=100, rng=0).save(tmp_path / "sweep.npz")
    rewritten(path, change)
    with pytest.raises(ValueError, match=r"path must name a file saved by scaledet.*incomplete"):
        sd.load(path)


@pytest.mark.parametrize(
    "through", [copy.deepcopy, lambda result: pickle.loads(pickle.dumps(result))]
)
def test_copies_stay_read_only(through):
    again = through(sd.predict(sd.Network.uniform(2, 2, depth=2), size=16))
    with pytest.raises(ValueError, match="read-only"):
        again.D[0] = 0


def test_missing_files_and_folders(tmp_path):
    result = sd.predict(sd.Network.uniform(2, 2, depth=2), size=16)
    (tmp_path / "loop").symlink_to("loop")
    for bad in ("absent.npz", ".", "loop", "long" * 100, "null\0"):
        with pytest.raises(ValueError, match=r"path must name a file saved by scaledet; (got )?'/"):
            sd.load(tmp_path / bad)
    with pytest.raises(ValueError, match="path must be in an existing folder; got '/"):
        result.save(tmp_path / "absent" / "result.npz")
    with pytest.raises(ValueError, match=r"path must be the path of a file; got .*: File name"):
        result.save(tmp_path / ("long" * 100))
    for bad in (None, 3):
        with pytest.raises(TypeError, match=f"path must be a string or a path; got {bad}"):
            result.save(bad)
        with pytest.raises(TypeError, match=f"path must be a string or a path; got {bad}"):
            sd.load(bad)


@pytest.mark.parametrize("failing", ["savez", "writestr", "replace"])
def test_a_failing_write_leaves_the_old_file(failing, tmp_path, monkeypatch):
    net = sd.Network.uniform(2, 2, depth=3)
    path = sd.predict(net, size=16).save(tmp_path / "result.npz")
    before = path.read_bytes()

    def fail(*_arguments, **_options):
        raise OSError("disk full")

    where = {"savez": np, "writestr": zipfile.ZipFile, "replace": storage.os}[failing]
    with monkeypatch.context() as patch:
        patch.setattr(where, failing, fail)
        with pytest.raises(OSError, match=r"disk full: '.*/result\.npz'$"):
            sd.predict(net, size=32).save(path)
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["result.npz"]
    assert sd.load(path).size == 16


def test_a_directory_is_no_target(tmp_path):
    target = tmp_path / "folder"
    target.mkdir()
    result = sd.predict(sd.Network.uniform(2, 2, depth=2), size=16)
    with pytest.raises((ValueError, OSError), match="folder"):
        result.save(target)
    assert [entry.name for entry in tmp_path.iterdir()] == ["folder"]


def test_saved_files_have_the_usual_permissions(tmp_path):
    """Others may read what the umask lets them read, as with any file written by open()."""
    plain = tmp_path / "plain"
    plain.write_text("x")
    saved = sd.predict(sd.Network.uniform(2, 2, depth=2), size=16).save(tmp_path / "result.npz")
    assert saved.stat().st_mode == plain.stat().st_mode
