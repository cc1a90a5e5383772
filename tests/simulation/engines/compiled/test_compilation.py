"""How functions are compiled, and kept: the same numbers whatever state the kept code is in."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

from scaledet.simulation.engines.compiled.compilation import compiled, warn_if_not_kept

SIMULATE = """
import resource, sys
limit = int(sys.argv[1])
if limit >= 0:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
import scaledet as sd
for kernel, stride, dim in ((2, 2, 1), (3, 1, 1), (5, 1, 1), (3, 1, 2)):
    net = sd.Network.uniform(kernel, stride, 2, dim=dim)
    print(sd.simulate(net, size=16, samples=100, rng=0).covariance.tobytes().hex())
"""


def run(folder: Path, limit: int = -1) -> tuple[str, str, dict[Path, tuple[int, int]]]:
    """Simulate in a process that keeps its code in `folder`, and writes `limit` bytes at most.

    Return what it prints and says, and the time and the size of its files.
    """
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(folder)}
    command = [sys.executable, "-c", SIMULATE, str(limit)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    files = [path for path in folder.rglob("*") if path.is_file()]
    return done.stdout, done.stderr, {path: written(path) for path in files}


def written(path: Path) -> tuple[int, int]:
    return path.stat().st_mtime_ns, path.stat().st_size


def kept(files: dict, name: str) -> Path:
    (path,) = (path for path in files if f".{name}-" in path.name)
    return path


def test_code_is_compiled_once_and_again_where_it_is_damaged(tmp_path) -> None:
    """The numbers are the same bit by bit, from any mixture of kept and new code."""
    first, said, files = run(tmp_path)
    assert (len(files), said) == (8, "")
    again, said, unchanged = run(tmp_path)
    assert (again, said, unchanged) == (first, "", files)
    emptied, cut, changed = (
        kept(files, name) for name in ("next_words", "clean_pass", "fill_normals")
    )
    emptied.write_bytes(b"")
    cut.write_bytes(cut.read_bytes()[:-1000])
    content = bytearray(changed.read_bytes())
    content[len(content) // 2] ^= 1
    changed.write_bytes(content)
    damaged = {path: written(path) for path in (emptied, cut, changed)}
    mixed, said, mended = run(tmp_path)
    assert (mixed, said) == (first, "")
    assert mended.keys() == files.keys()
    assert all(mended[path][0] > damaged[path][0] for path in damaged)
    assert {path: mended[path] for path in files.keys() - damaged} == {
        path: files[path] for path in files.keys() - damaged
    }
    # On a full disk: all of it is compiled, and kept in memory.
    elsewhere = tmp_path / "full"
    elsewhere.mkdir()
    from_memory, said, none = run(elsewhere, limit=0)
    assert (from_memory, none) == (first, {})
    assert said.count("Warning") == 1
    assert "RuntimeWarning: compiled code could not be kept on disk (File too large): " in said
    assert "every process compiles it anew, which took" in said


def test_without_a_folder_to_keep_it_in_it_is_compiled_all_the_same() -> None:
    namespace: dict = {"compiled": compiled}
    source = "@compiled('float64(float64)')\ndef twice(x):\n    return 2 * x\n"
    exec(compile(source, "<nowhere>", "exec"), namespace)
    assert namespace["twice"](1.5) == 3.0
    with pytest.warns(RuntimeWarning, match=r"\(no folder can be written\).* which took \d+ s"):
        warn_if_not_kept()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_if_not_kept()  # it has been said


def test_wrong_types_are_refused_not_compiled_again() -> None:
    from scaledet.simulation.engines.compiled.gaussian_stream import next_words

    with pytest.raises(TypeError, match="No matching definition"):
        next_words(np.zeros((4, 32)), np.zeros((1, 32)))
