"""No result depends on global numeric state, leaves it changed, or on what other threads do."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import flint
import mpmath
import numpy as np
import pytest
import sympy as sp
from sympy.core.parameters import global_parameters

import scaledet as sd
from scaledet.isolation import LOCK, isolated
from scaledet.theory.growth.asymptote import asymptote

PACKAGE = Path(sd.__file__).parent

FOREIGN = {
    "none": "",
    "low": """
mpmath.mp.dps, flint.ctx.prec, decimal.getcontext().prec = 3, 12, 2
mpmath.mp.trap_complex = True
np.seterr(all="raise")
decimal.getcontext().traps[decimal.Inexact] = True
global_parameters.evaluate = global_parameters.distribute = False
""",
    "high": """
mpmath.mp.dps, flint.ctx.prec, decimal.getcontext().prec = 200, 900, 200
np.seterr(all="raise")
global_parameters.exp_is_pow = True
sp.init_printing(order="rev-lex", use_unicode=False)
""",
}

SCRIPT = """
import decimal, json, sys
import flint, mpmath, numpy as np, sympy as sp
from sympy.core.parameters import global_parameters
exec(sys.argv[1])
def state():
    switches = [getattr(global_parameters, n) for n in ("evaluate", "distribute", "exp_is_pow")]
    traps = [str(trap) for trap, on in decimal.getcontext().traps.items() if on]
    return [mpmath.mp.dps, mpmath.mp.trap_complex, flint.ctx.prec, decimal.getcontext().prec,
            traps, np.geterr(), switches, sp.printing.printer.Printer._global_settings]
before = repr(state())
import scaledet as sd
from scaledet.theory.growth.asymptote import asymptote
from scaledet.theory.growth.smoothness import smoothness
def bits(result, names):
    return [getattr(result, name).tobytes().hex() for name in names.split()]
results = {}
for name, arguments in (
    ("strided", {"kernel": 3, "stride": 2}),
    ("flat", {"kernel": 3, "stride": 1, "order": 2}),
    ("any", {"kernel": "any", "stride": 1, "order": 1}),
    ("layers", {"kernel": 2, "stride": 2, "rectify": "layers"}),
):
    page = sd.derive(**arguments)
    results[name] = [repr(page), repr(page.check()), page.to_latex(), page.to_html()]
results["ball"] = sd.derive(kernel=6, stride=2).enclosure("alpha", 40).str(40)
results["exponents"] = [
    repr(sd.predict_exponents(kernel=kernel, stride=2))
    for kernel in (6, 7, [0.1, 0.7, 0.3, 0.2], [(7 * j % 40 + 1) / 41 for j in range(40)])
]
results["limits"] = [repr(asymptote(7, 2)), repr(smoothness([1, 3, 3, 1], 2))]
flat, net = sd.Network.uniform(3, 1, depth=300), sd.Network.uniform(3, 2, depth=3)
results["predict"] = [
    bits(sd.predict(flat, size=size, sigma=sigma), "D G Q A")
    for size, sigma in ((None, None), (1024, 1e-120))
]
results["exact"] = [str(value) for value in sd.predict(flat).exact_D[295:]]
biased = sd.Network.uniform(3, 1, depth=4, bias=-0.01)
closure = sd.predict(biased, size=64, method="closure", rectify="layers")
results["closure"] = bits(closure, "D G")
dense = sd.evolve(sd.Network.uniform(2, 2, depth=8, bias=-0.001), size=1024)
results["evolve"] = [*bits(dense, "D G G_err R Q"), repr(dense.pair(2))]
results["phases"] = repr(sd.bias_phases("constant", depth=4))
results["filters"] = repr(sd.compare_filters(stride=2, depth=4))
results["design"] = repr(sd.design_filter(5, 2, depth=3))
for engine in ("numba", "numpy"):
    run = sd.simulate(net, size=64, samples=2000, rng=1, engine=engine)
    results[engine] = bits(run, "D G Q relative_error")
results["analysis"] = [
    repr(sd.compare(sd.predict(net, size=64), run)),
    repr(sd.fit_exponent(run.A, run.D, errors=0.2 * run.D)),
    sd.local_exponents(run.A, run.D).tobytes().hex(),
]
print(json.dumps([before == repr(state()), results]))
"""


def under(foreign: str) -> str:
    command = [sys.executable, "-c", SCRIPT, FOREIGN[foreign]]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def usual() -> str:
    return under("none")


@pytest.mark.parametrize("foreign", ["low", "high"])
def test_same_bits_and_verdicts_in_any_global_state(foreign: str, usual: str) -> None:
    """The state is set before the package is imported, and still stands at the end."""
    assert under(foreign) == usual
    assert usual.startswith("[true, ")


def test_negative_control_the_state_matters_without_isolation() -> None:
    x = sp.Symbol("x")

    def doubled() -> object:
        return x + x

    global_parameters.evaluate = False
    try:
        assert doubled() != 2 * x
        assert isolated(doubled)() == sp.Mul(2, x)
        assert not global_parameters.evaluate
    finally:
        global_parameters.evaluate = True
    with np.errstate(all="raise"):
        with pytest.raises(FloatingPointError):
            np.exp(np.float64(-800))
        assert isolated(lambda: float(np.exp(np.float64(-800))))() == 0
        assert np.geterr()["under"] == "raise"


def test_the_state_is_put_back_after_an_error() -> None:
    global_parameters.distribute = False
    try:
        with pytest.raises(ZeroDivisionError):
            isolated(lambda: 1 // 0)()
        assert not global_parameters.distribute
    finally:
        global_parameters.distribute = True


def test_four_threads_get_the_same_bits() -> None:
    """Switching threads every ten microseconds; mpmath's precision is never seen changed."""
    shared = sd.predict(sd.Network.uniform(3, 1, depth=1200))

    def exponents() -> str:
        law = sd.predict_exponents(kernel=7, stride=2)
        return f"{law!r} {law.alpha.evalf(50)} {float(law.plateau)}"

    def exact() -> str:
        compute = sd.predict(shared.network).exact_D
        return str([hash(values[k]) for values in (compute, shared.exact_D) for k in (900, 300)])

    computations: list[Callable[[], str]] = [
        lambda: repr(sd.derive(kernel=3, stride=2).check()),
        lambda: repr(sd.derive(kernel=3, stride=1, order=1).check()),
        exponents,
        exact,
        lambda: repr(asymptote(7, 2).ratio),
        lambda: shared.D.tobytes().hex(),
        lambda: repr(sd.evolve(sd.Network.uniform(2, 2, depth=6, bias=-0.001), size=256).G),
        lambda: repr(sd.simulate(sd.Network.uniform(3, 2), size=16, samples=500, rng=1).G),
    ]
    expected = [compute() for compute in computations]
    wrong: list[object] = []
    precisions = set()

    def work(start: int) -> None:
        for i in range(len(computations)):
            at = (3 * i + start) % len(computations)
            try:
                if computations[at]() != expected[at]:
                    wrong.append(at)
            except Exception as error:
                wrong.append(error)
            precisions.add(mpmath.mp.prec)

    before, interval = (mpmath.mp.prec, flint.ctx.prec), sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        threads = [threading.Thread(target=work, args=(start,)) for start in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert not wrong
    assert precisions == {before[0]}
    assert (mpmath.mp.prec, flint.ctx.prec) == before


def test_walks_are_safe_from_several_threads() -> None:
    """One prediction asked for different layers at once."""
    layers = [200, 1100, 500, 900]
    net = sd.Network.uniform(3, 1, depth=1200)
    expected = {k: sd.predict(net).exact_D[k] for k in layers}
    values = sd.predict(net).exact_D
    results: dict[int, object] = {}
    threads = [threading.Thread(target=lambda k=k: results.update({k: values[k]})) for k in layers]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert results == expected


def test_one_context_and_one_lock_for_all() -> None:
    """Nobody imports the shared mpmath, and flint's precision is only set under the lock."""
    for path in PACKAGE.rglob("*.py"):
        source = path.read_text(encoding="utf-8")
        if path.name not in ("precision.py", "isolation.py"):
            assert not re.search(r"^\s*import mpmath|from mpmath import", source, re.M), path
        for line in source.splitlines():
            if "workprec(" in line or ("workdps(" in line and "ctx" in line):
                assert "with LOCK, ctx.workprec(" in line, f"{path}: {line}"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_can_take_the_lock() -> None:
    code = """
import os, threading, warnings
warnings.simplefilter("ignore")
from scaledet.isolation import LOCK
held, done = threading.Event(), threading.Event()
def hold():
    with LOCK:
        held.set()
        done.wait(1)
threading.Thread(target=hold).start()
held.wait()
child = os.fork()
if child == 0:
    os._exit(0 if LOCK.acquire(timeout=5) else 1)
raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    assert LOCK.acquire(timeout=5)
    LOCK.release()
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
