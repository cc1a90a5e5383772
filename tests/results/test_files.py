"""Files are written completely or not at all, and never over a file of another kind."""

from __future__ import annotations

import os
import sqlite3
import zipfile
from importlib.util import find_spec

import numpy as np
import pytest
from matplotlib.figure import Figure

import scaledet as sd
from scaledet import validate
from scaledet.results import files

NET = sd.Network.uniform(2, 2, depth=2)


def make(folder):
    """One file of every kind that scaledet writes, by kind."""
    derivation, figure = sd.derive(kernel=2, stride=2), Figure()
    figure.add_subplot()
    made = {kind: folder / f"{kind}.file" for kind in files.KINDS}
    sd.predict(NET, size=16).save(made["saved result"])
    sd.simulate(NET, size=16, samples=8, rng=0, checkpoint=made["checkpoint"])
    derivation.to_html(made["HTML page"])
    files.replace_text(made["LaTeX article"], "LaTeX article", derivation.to_latex())
    files.replace_text(made["Markdown page"], "Markdown page", derivation.to_markdown())
    for suffix in ("png", "pdf", "svg"):
        figure.savefig(made[f"{suffix.upper()} figure"], format=suffix)
    if find_spec("torch"):
        data = sd.train.task_data(sd.ScaleDetection(16, 4, 1), train=8, validation=0, test=0, rng=0)
        recipe = sd.train.Recipe(learning_rate=0.1, batch_size=8, epochs=1)
        checkpoint = made["training checkpoint"]
        sd.train.train(sd.train.ring_net(2, rng=0), data, recipe, checkpoint=checkpoint, rng=0)
    else:
        del made["training checkpoint"]
    return made


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return make(tmp_path_factory.mktemp("kinds"))


@pytest.mark.parametrize("kind", files.KINDS)
def test_a_file_is_replaced_by_its_own_kind_only(made, kind):
    for other, path in made.items():
        if other == kind:
            assert files.destination("path", path, kind) == path
        else:
            with pytest.raises(
                ValueError, match=f"x must name a new file or an old {kind}; '/.* is an"
            ):
                files.destination("x", path, kind)


def foreign_archive(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("letter.xml", "Dear reader")


def foreign_arrays(path):
    with path.open("wb") as stream:
        np.savez(stream, D=np.ones(3))


def foreign_database(path):
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE addresses (name TEXT)")
    connection.close()


FOREIGN = {
    "saved result": [foreign_archive, foreign_arrays],
    "checkpoint": [foreign_database],
    "HTML page": [lambda path: path.write_text("<html><body>mine</body></html>")],
    "LaTeX article": [lambda path: path.write_text("\\documentclass{book}\n")],
    "Markdown page": [lambda path: path.write_text("# Shopping list\n\n- milk\n")],
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_files_of_other_programs_are_refused(tmp_path, kind):
    for number, write in enumerate(FOREIGN[kind]):
        path = tmp_path / str(number)
        write(path)
        with pytest.raises(ValueError, match=f"x must name a new file or an old {kind}; '"):
            files.destination("x", path, kind)


def test_the_library_refuses_them_too(made):
    before = {kind: path.read_bytes() for kind, path in made.items()}
    simulation = sd.simulate(NET, size=16, samples=8, rng=0, checkpoint=made["checkpoint"])
    with pytest.raises(ValueError, match="path must name a new file or an old saved result; '"):
        simulation.save(made["checkpoint"])
    for kind in ("checkpoint", "saved result", "Markdown page"):
        with pytest.raises(ValueError, match="path must name a new file or an old HTML page; '"):
            sd.derive(kernel=2, stride=2).to_html(made[kind])
    assert before == {kind: path.read_bytes() for kind, path in made.items()}


def test_empty_files_are_of_any_kind(tmp_path):
    path = tmp_path / "empty"
    path.touch()
    assert sd.load(sd.predict(NET, size=16).save(path)).size == 16


def test_what_is_replaced_keeps_its_permissions_and_its_links(tmp_path):
    path = tmp_path / "page.html"
    derivation = sd.derive(kernel=2, stride=2)
    derivation.to_html(path)
    path.chmod(0o600)
    link = tmp_path / "link"
    link.symlink_to(path)
    derivation.to_html(link)
    assert link.is_symlink()
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.read_text(encoding="utf-8") == derivation.to_html()


def test_the_longest_name_that_a_file_may_have(tmp_path):
    path = tmp_path / ("x" * 255)
    assert sd.load(sd.predict(NET, size=16).save(path)).size == 16


@pytest.mark.parametrize("raised", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_page_that_cannot_be_written_leaves_the_old_one(tmp_path, raised):
    path = tmp_path / "page"
    files.replace_text(path, "HTML page", "<!DOCTYPE html><body>")

    def fail(part):
        part.write_text("half a pa")
        raise raised

    with pytest.raises(type(raised)) as caught:
        files.replace(path, "HTML page", fail)
    if isinstance(raised, OSError):
        assert str(caught.value) == f"[Errno 28] No space left on device: '{path}'"
    assert path.read_text() == "<!DOCTYPE html><body>"
    assert os.listdir(tmp_path) == ["page"]


def test_the_same_file_under_two_names(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "run"
    absent = tmp_path / "absent"
    (tmp_path / "dangling").symlink_to(absent)
    path.write_text("x")
    (tmp_path / "soft").symlink_to("run")
    os.link(path, tmp_path / "hard")
    other = tmp_path / "other"
    other.write_text("x")
    pairs = [("run", path), ("./run", path), ("soft", path), ("hard", path), ("dangling", absent)]
    pairs += [("ABSENT", absent), ("abse\u0301", tmp_path / "abs\u00e9")]
    for name, place in pairs:
        given = {"--one": type(path)(name), "--two": place}
        with pytest.raises(ValueError, match="--two must not be the file of --one; got '/"):
            files.require_different(given)
    files.require_different({"--one": path, "--two": other, "--three": absent})


def test_paths_that_cannot_be_written_are_refused_in_one_way(tmp_path, monkeypatch):
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "file").write_text("x")
    for place, reason in (
        ("y" * 256, "be the path of a file; got '/.*': File name too long"),
        ("a\0b", "be the path of a file; got '/.*': embedded null byte"),
        ("loop", "be the path of a file; got '/.*': Too many levels of symbolic links"),
        ("file/x", "be in an existing folder; got '/.*x'"),
        ("absent/x", "be in an existing folder; got '/.*x'"),
        (".", "name a new or an ordinary file; got '/.*'"),
    ):
        with pytest.raises(ValueError, match=f"p must {reason}"):
            validate.destination("p", tmp_path / place)
    with pytest.raises(TypeError, match="p must be a string or a path; got "):
        validate.destination("p", os.fsencode(tmp_path))
    for mode, reason in ((os.W_OK | os.X_OK, "be in a folder with"), (os.W_OK, "name a file with")):
        monkeypatch.setattr(os, "access", lambda _, wanted, mode=mode: wanted != mode)
        with pytest.raises(ValueError, match=f"p must {reason} write permission; got '/.*file'"):
            validate.destination("p", tmp_path / "file")
