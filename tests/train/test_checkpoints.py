"""A training that is cut short goes on from its checkpoint to the same result, bit for bit."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from scaledet.train import train
from scaledet.train.checkpoint import Checkpoint
from scaledet.train.session import Session
from tests.train.test_training import RECIPE, equal, small_data, small_net, weights

torch = pytest.importorskip("torch")

LONG = replace(RECIPE, epochs=8, noise=0.3, weight_decay=1e-4)


class CutShort(Exception):
    pass


@contextmanager
def cut_short(epochs):
    """Let a training run for so many epochs, of which each is written, then raise."""
    run = Session.run_epoch

    def limited(session):
        if session.epochs == epochs:
            raise CutShort
        run(session)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Session, "run_epoch", limited)
        patch.setattr("scaledet.train.checkpoint._SHARE", 0)
        with pytest.raises(CutShort):
            yield


RECIPES = {
    "sgd": LONG,
    "momentum": replace(LONG, momentum=0.9, schedule="one_cycle"),
    "adamw": replace(LONG, optimizer="adamw", learning_rate=0.01),
    "zero loss": replace(RECIPE, epochs=200, epochs_after_zero_loss=3, decay="after_zero_loss"),
}


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_the_same_call_goes_on_to_the_same_result(recipe, tmp_path):
    path, data = tmp_path / "run.pt", small_data()
    whole = train(small_net(), data, recipe, rng=0)
    with cut_short(5):
        train(small_net(), data, recipe, checkpoint=path, rng=0)
    again = train(small_net(), data, recipe, checkpoint=path, rng=0)
    assert equal(weights(again.model), weights(whole.model))
    assert again.loss.tolist() == whole.loss.tolist()
    assert again.validation_error.tolist() == whole.validation_error.tolist()
    assert again.epoch_of_zero_loss == whole.epoch_of_zero_loss
    assert again.test_error == whole.test_error
    # Without the state of the file the second part alone gives another result.
    rest = train(small_net(), data, replace(recipe, epochs=3, epochs_after_zero_loss=0), rng=0)
    assert not equal(weights(rest.model), weights(whole.model))


def test_without_seed_the_random_numbers_of_the_file_are_used(tmp_path):
    path, data = tmp_path / "run.pt", small_data()
    with cut_short(2):
        train(small_net(), data, RECIPE, checkpoint=path, rng=3)
    again = train(small_net(), data, RECIPE, checkpoint=path)
    assert equal(weights(again.model), weights(train(small_net(), data, RECIPE, rng=3).model))


def test_a_finished_training_is_read_and_its_weights_are_those_of_the_file(tmp_path):
    path, data = tmp_path / "run.pt", small_data()
    first = train(small_net(), data, RECIPE, checkpoint=path, rng=0)
    other = train(small_net(rng=7), data, RECIPE, checkpoint=path, rng=0)
    assert equal(weights(first.model), weights(other.model))


ROOT = Path(__file__).parents[2]
SCRIPT = """
import sys, torch
from tests.train.test_checkpoints import LONG, replace, small_data, small_net, train
recipe = replace(LONG, epochs=400, momentum=0.5)
model = small_net()
train(model, small_data(), recipe, checkpoint=sys.argv[1], rng=0)
torch.save(model.state_dict(), sys.argv[2])
"""


def test_killing_the_process_loses_no_more_than_some_epochs(tmp_path):
    """SIGKILL at a random time; what the same call then makes is what one call makes."""

    def started(name):
        arguments = [str(tmp_path / f"{name}.checkpoint"), str(tmp_path / f"{name}.pt")]
        command = [sys.executable, "-c", SCRIPT, *arguments]
        return subprocess.Popen(command, cwd=ROOT)

    def finished(process):
        return process.wait(timeout=120)

    assert finished(started("whole")) == 0
    killed = started("killed")
    deadline = time.monotonic() + 60
    while not (tmp_path / "killed.checkpoint").exists():
        assert killed.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    killed.send_signal(signal.SIGKILL)
    assert finished(killed) == -signal.SIGKILL
    assert not (tmp_path / "killed.pt").exists()
    done = len(torch.load(tmp_path / "killed.checkpoint")["history"]["loss"])
    assert 0 < done < 400
    assert finished(started("killed")) == 0
    first, second = (torch.load(tmp_path / f"{name}.pt") for name in ("whole", "killed"))
    assert all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rng": 1}, "differs in rng"),
        ({"recipe": replace(RECIPE, epochs=4)}, "recipe.epochs (3 in the file, 4 in this call)"),
        ({"data": small_data(train=16)}, "differs in data.train"),
        ({"model": lambda: small_net(channels=8)}, "differs in model"),
        ({"model": lambda: small_net(parametrization="standard")}, "differs in units"),
        ({"model": lambda: small_net().double()}, "differs in number type"),
        ({"threads": 2}, "threads (1 in the file, 2 in this call)"),
    ],
)
def test_the_file_of_another_call_is_refused(changes, message, tmp_path):
    path = tmp_path / "run.pt"
    usual = {"model": small_net, "data": small_data(), "recipe": RECIPE, "rng": 0}
    for given in (usual, usual | changes):
        refused = given is not usual
        model, *others = (given[name] for name in ("model", "data", "recipe"))
        rest = {name: given[name] for name in ("rng", "threads") if name in given}
        before = path.read_bytes() if refused else b""
        if refused:
            with pytest.raises(ValueError, match=re.escape(message)):
                train(model(), *others, checkpoint=path, **rest)
            assert path.read_bytes() == before
        else:
            train(model(), *others, checkpoint=path, **rest)


def test_damaged_and_foreign_files_are_refused(tmp_path):
    path, data = tmp_path / "run.pt", small_data()
    train(small_net(), data, RECIPE, checkpoint=path, rng=0)
    content = path.read_bytes()
    middle = len(content) // 2
    for damaged in (content[:middle], content[:middle] + b"?" * 900 + content[middle + 900 :]):
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match=r"checkpoint must (be|name) a new file or"):
            train(small_net(), data, RECIPE, checkpoint=path, rng=0)
        assert path.read_bytes() == damaged
    np.savez(path.with_suffix(".npz"), a=1)
    with pytest.raises(ValueError, match="must name a new file or an old training checkpoint"):
        train(small_net(), data, RECIPE, checkpoint=path.with_suffix(".npz"), rng=0)


def test_writing_takes_little_time(tmp_path, monkeypatch):
    """A slow disk is written to seldom, and always in the end."""
    kept = Checkpoint(tmp_path / "run.pt", {})
    clock = iter([0.0, 1.0, 20.9, 21.1, 22.0, 23.0, 24.0]).__next__
    monkeypatch.setattr("scaledet.train.checkpoint.time.monotonic", clock)
    times = []
    monkeypatch.setattr("scaledet.results.files.replace", lambda *_: times.append(1))
    for expected in (1, 1, 2):
        kept.keep({})
        assert len(times) == expected
    kept.keep({}, now=True)
    assert len(times) == 3
