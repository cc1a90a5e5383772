"""The command line as a whole: its help, and how it may end."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

import scaledet as sd
from scaledet.cli import predict as cli
from scaledet.errors import ArgumentError
from tests.analysis.trained_tables import power_laws, scattered, write

COMMANDS = ("exponents", "predict", "evolve", "bias-phases", "filters", "design", "derive")
COMMANDS += ("simulate", "sweep", "compare", "measure", "fit", "architecture", "verdicts")
COMMANDS += ("plot", "show")
P = "predict --kernel 2 --stride 2 --depth 3"


def shell(line, stdout=subprocess.PIPE, **variables):
    package = Path(sd.__file__).parents[1]
    return subprocess.run(
        ["/bin/sh", "-c", line],
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(package), **variables},
        check=False,
        timeout=60,
    )


def python(*arguments, **settings):
    return shell(shlex.join([sys.executable, *arguments]), **settings)


def examples(text):
    """Return the examples of a help text as (command line, lines shown below it)."""
    listed = []
    _, epilog = text.replace("\\\n", "").split("\nexamples:\n")
    for line in epilog.split("\nexit codes:")[0].splitlines():
        if line.startswith("  $ "):
            listed.append((line.removeprefix("  $ "), []))
        elif line.startswith("    "):
            listed[-1][1].append(line)
    return listed


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_the_examples_in_help_give_what_they_show(run, tmp_path, monkeypatch, command):
    if command == "measure":
        pytest.importorskip("torch")
    code, out, err = run(f"{command} --help")
    assert (code, err) == (0, "")
    assert max(map(len, out.splitlines())) <= 100
    monkeypatch.chdir(tmp_path)
    np.savez("images.npz", images=np.random.default_rng(0).random((20, 1, 8, 8)))
    Path("trained.py").write_text(
        "from torch.nn import Conv2d, ReLU, Sequential\n\n"
        "def model():\n    return Sequential(Conv2d(1, 2, 3), ReLU())\n"
    )
    for folder in (Path("experiments") / "results", Path("my_results")):
        folder.parent.mkdir(exist_ok=True)
        write(folder, power_laws(scattered(-1, 0.1)))
    listed = examples(out)
    assert len(listed) >= 3
    for line, shown in listed:
        program, *rest = shlex.split(line)
        assert program == "scaledet"
        # Results are plotted and shown once another command has saved them.
        assert rest[0] == (command or rest[0]) or "--save" in rest
        if "--scheduler" in rest:
            # Needs a cluster: see tests/simulation/test_cluster.py.
            continue
        code, printed, err = run(shlex.join(rest))
        assert (code, err) == (0, ""), line
        assert printed
        for text in shown:
            assert text.strip() in [row.strip() for row in printed.splitlines()]
        if "--json" in rest:
            assert json.loads(printed)["command"] == rest[0]
        if "--save" in rest:
            assert sd.load(rest[rest.index("--save") + 1])


def test_every_option_of_every_command_is_explained(run):
    for command in COMMANDS:
        out = run(f"{command} --help")[1]
        usage, body = out.split("\n\n", 1)
        for option in re.findall(r"--[a-z-]+", usage):
            assert re.search(rf"^  (-h, )?{option}\b", body, re.MULTILINE), (command, option)


def test_version(run):
    for option in ("-V", "--version"):
        assert run(option) == (0, f"scaledet {sd.__version__}\n", "")


def test_every_command_has_its_help(run):
    listed = re.findall(r"^    ([a-z-]+) ", run("--help")[1], re.MULTILINE)
    assert listed == list(COMMANDS)


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (KeyboardInterrupt(), 130, ""),
        (MemoryError("much"), 2, "scaledet: error: not enough memory. much\n"),
        (ArgumentError("two\n  lines"), 2, "scaledet: error: two lines\n"),
    ],
)
def test_errors_of_a_command(run, monkeypatch, error, code, message):
    def fail(*_):
        raise error

    monkeypatch.setattr(cli, "prediction", fail)
    assert run(P) == (code, "", message)


@pytest.mark.parametrize("error", [ValueError("bug"), TypeError("bug"), OSError("bug")])
def test_a_bug_does_not_look_like_bad_usage(run, monkeypatch, error):
    def fail(*_):
        raise error

    monkeypatch.setattr(cli, "prediction", fail)
    with pytest.raises(type(error), match="bug"):
        run(P)


def test_warnings_are_one_line_each_and_leave_stdout_alone(run, monkeypatch):
    made = sd.predict(sd.Network.uniform(2, 2, 3))

    def warn(*_):
        for _ in range(2):
            warnings.warn("odd\nvalue", RuntimeWarning, stacklevel=1)
        return made

    monkeypatch.setattr(cli, "prediction", warn)
    assert run(P) == (0, f"{made!r}\n", "scaledet: warning: odd value\n")


def test_python_m_scaledet():
    process = python("-m", "scaledet", "exponents", "--kernel", "3", "--stride", "2")
    expected = sd.predict_exponents(kernel=3, stride=2)
    assert (process.returncode, process.stdout, process.stderr) == (0, f"{expected!r}\n", "")


CLOSED = [
    (f"{P} >&-", 2, "", "scaledet: error: cannot write to stdout: it is closed\n"),
    ("--help >&-", 2, "", "scaledet: error: cannot write to stdout: it is closed\n"),
    (f"{P} >/dev/full", 2, "", "cannot write to stdout: No space left on device\n"),
    (f"{P} --sigma 0 2>&-", 2, "", ""),
    (f"{P} --sigma 0 2>/dev/full", 2, "", ""),
    (f"{P} 2>&-", 0, "Prediction", ""),
]


@pytest.mark.parametrize(("line", "code", "out", "err"), CLOSED)
def test_streams_that_are_closed_or_full(line, code, out, err):
    """An error never lands on stdout, and what cannot be written is an error."""
    process = shell(f"{shlex.quote(sys.executable)} -m scaledet {line}")
    assert process.returncode == code
    assert process.stdout.startswith(out)
    assert bool(process.stdout) == bool(out)
    assert process.stderr.endswith(err)
    assert process.stderr.count("\n") == bool(err)


def test_stdout_is_an_output_too(tmp_path):
    path = shlex.quote(str(tmp_path / "both"))
    process = shell(f"{shlex.quote(sys.executable)} -m scaledet {P} --save {path} >{path}")
    assert process.returncode == 2
    assert "argument --save must not be the file of stdout; got" in process.stderr


def test_characters_that_stdout_lacks_are_escaped():
    code = "import sys; from scaledet.cli.main import _put; _put('\u201cπ\u201d\\n', sys.stdout)"
    process = python("-X", "utf8=0", "-c", code, PYTHONIOENCODING="ascii")
    assert (process.stdout, process.stderr) == ("\\u201c\\u03c0\\u201d\n", "")


def test_a_reader_that_stops_reading_is_no_error():
    read, write = os.pipe()
    os.close(read)
    process = python("-m", "scaledet", "predict", "--help", stdout=write)
    os.close(write)
    assert (process.returncode, process.stderr) == (0, "")


def test_help_imports_no_heavy_library():
    heavy = ("numpy", "scipy", "sympy", "flint", "numba", "matplotlib", "tqdm")
    code = (
        "import sys; from scaledet.cli.main import main; main(['predict', '--help']); "
        f"print([name for name in {heavy} if name in sys.modules], file=sys.stderr)"
    )
    assert python("-c", code).stderr == "[]\n"
