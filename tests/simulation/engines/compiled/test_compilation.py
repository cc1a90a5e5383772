"""How functions are compiled, and kept."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from scaledet.simulation.engines.compiled.compilation import compiled

SIMULATE = (
    "import scaledet as sd;"
    "print(sd.simulate(sd.Network.uniform(2, 2, 3), size=16, samples=100, rng=0).G.tolist())"
)


def test_without_a_file_to_cache_beside_it_is_compiled_all_the_same() -> None:
    namespace: dict = {"compiled": compiled}
    source = "@compiled('float64(float64)')\ndef twice(x):\n    return 2 * x\n"
    exec(compile(source, "<nowhere>", "exec"), namespace)
    assert namespace["twice"](1.5) == 3.0


def test_the_second_process_finds_the_code_on_disk(tmp_path) -> None:
    """Nothing is compiled again: no file of the cache changes; and the numbers are the same."""
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}

    def run() -> tuple[bytes, dict]:
        printed = subprocess.check_output([sys.executable, "-c", SIMULATE], env=environment)
        return printed, {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.nb*")}

    first, written = run()
    again, kept = run()
    assert len(written) >= 18  # index and code of nine functions
    assert kept == written
    assert again == first


def test_wrong_types_are_refused_not_compiled_again() -> None:
    from scaledet.simulation.engines.compiled.gaussian_stream import next_words

    with pytest.raises(TypeError, match="No matching definition"):
        next_words(np.zeros((4, 32)), np.zeros((1, 32)))
