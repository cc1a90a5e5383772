"""Ctrl-C ends long calls soon, whatever compiled code they are in."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import pytest

SETUP = """
import math, random, signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # whatever started this process
import scaledet as sd
from scaledet.theory.correlation.recurrence import recurrence
law = random.Random(1)
def gauss(length):
    return [math.exp(-((6 * (j - 0.43 * length) / length) ** 2) / 2) for j in range(length)]
def noise(length):
    return [law.random() for _ in range(length)]
def predict(*layers, **options):
    return sd.predict(sd.Network(layers), **options)
"""

CALLS = {
    "exponents": "sd.predict_exponents(kernel=gauss(351), stride=2)",
    "exact": "predict(*[sd.Layer(noise(21), 1)] * 2500).exact_D[2500]",
    "mixed": "predict(*[sd.Layer(noise(15), 1), sd.Layer(noise(9), 1)] * 1000).exact_D[2000]",
    "walk": "recurrence(3).sensitivity(4 * 10**6)",
    "pairs": "sd.predict(sd.Network([sd.Layer(3)] * 4, 2), task=sd.ScaleDetection(2048, 14, "
    "dim=2, periodic=False))",
    "series": "sd.derive(kernel='any', stride=1, order=40)",
    "page": "sd.derive(kernel=gauss(81), stride=2).check()",
    "box": "sd.derive(kernel='box', stride=1, order=40).check()",
}


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize("call", CALLS)
def test_interrupted_within_a_second(call: str) -> None:
    """Three seconds, for a machine that does something else at the same time."""
    code = f"{SETUP}\nprint('started', flush=True)\n{CALLS[call]}"
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"started\n"
        time.sleep(2)
        assert process.poll() is None, "the call is too short to be interrupted"
        start = time.monotonic()
        process.send_signal(signal.SIGINT)
        try:
            process.wait(timeout=20)
        finally:
            process.kill()
        elapsed = time.monotonic() - start
    assert process.returncode in (-signal.SIGINT, 130)
    assert elapsed < 3
