"""How arguments are read, and what is refused in one line that names the argument."""

from __future__ import annotations

from fractions import Fraction

import pytest

import scaledet as sd
from scaledet.cli import arguments
from scaledet.cli.arguments import read_bytes, read_kernel, read_layer, read_rational


def refused(run, line, *fragments):
    code, out, err = run(line)
    assert (code, out) == (2, "")
    assert err.startswith("scaledet: error: ")
    assert err.endswith("\n")
    assert err.count("\n") == 1
    assert "Traceback" not in err
    for fragment in fragments:
        assert fragment in err


P = "predict --kernel 2 --stride 2 --depth 3"
S = "simulate --kernel 2 --stride 2 --depth 3 --size 64 --samples 100"
T = "predict --kernel 2 --stride 2 --depth 2 --task T1"
KERNELS = [(text, f"got {text!r}") for text in ("", "2.5", "a", "binomial", "binomial:x")]
WEIGHTS = ("", "1/0", "nan", "inf", "1e999999999", "1e999")
KERNELS += [(f"{weight},1", f"got {weight!r}") for weight in WEIGHTS]
KERNELS += [("-1,2", "kernel[0]"), ("0,0", "positive sum"), ("0", "got 0"), ("-3", "got -3")]
KERNELS += [("binomial:0", "got 0"), ("70000", "65536]; got 70000"), ("9" * 5000, "got '999")]
BAD = [
    ("", "required: COMMAND"),
    ("nothing", "COMMAND", "nothing"),
    ("--unknown predict", "--unknown"),
    (f"{P} --unknown", "--unknown"),
    (f"{P} --siz 64", "--siz"),
    (f"{P} stray", "stray"),
    (f"{P} '--two\nlines'", "--two lines"),
    (f"{P} --size", "--size"),
    ("exponents", "--kernel, --stride"),
    ("exponents --kernel 3", "--stride"),
    ("predict", "--kernel, --stride, --depth"),
    ("predict --kernel 2 --depth 3", "required: --stride (or --layer)"),
    ("simulate --kernel 2 --stride 2 --depth 3", "--size"),
    *[(f"exponents --kernel={text} --stride 2", "--kernel: ", reason) for text, reason in KERNELS],
    ("exponents --kernel 1 --stride 2", "kernel must have"),
    *[
        (f"exponents --kernel 2 --stride={stride}", "--stride", repr(stride))
        for stride in ("0", "-1", "x", "1.5", "Kernel")
    ],
    ("exponents --kernel 2 --stride 2 --dim 4", "dim", "4"),
    ("exponents --kernel 2 --stride 2 --dim x", "--dim", "'x'"),
    ("exponents --kernel 2 --stride 2 --rectify output", "--rectify", "'layers'"),
    ("predict --kernel 2 --stride 2 --depth 0", "depth", "0"),
    ("predict --kernel 2 --stride 2 --depth x", "--depth", "'x'"),
    (f"predict --kernel 2 --stride 2 --depth 1{'0' * 30}", "depth must be", "[1, 1000000]"),
    ("predict --kernel 2 --stride 2 --depth 6 --size 64", "depth", "at most 5"),
    *[
        (f"predict --layer={layer}", "--layer", repr(layer))
        for layer in ("2", "2:2x0", "2:2x", "2:2:0:0", "x2", ":2")
    ],
    ("predict --layer a:2", "--layer", "'a'"),
    ("predict --layer 2:0", "--layer", "'0'"),
    ("predict --layer 2:2:b", "--layer", "'b'"),
    *[
        (f"predict --layer 2:2x{count}", "--layer: COUNT must be an integer in [1, 1000000]", count)
        for count in ("5000000000", "1" + "0" * 30)
    ],
    (f"predict --layer 2:2x{'9' * 5000}", "--layer: expected an integer"),
    ("predict --layer 2:2:1e200", "--layer: bias must be in [-1e100, 1e100]"),
    ("predict --layer 2:2:-1 --size 16", "bias", "layer 1"),
    (f"{P} --layer 2:2", "--kernel: not allowed with argument --layer"),
    ("predict --stride 2 --layer 2:2", "--stride: not allowed"),
    ("predict --depth 2 --layer 2:2", "--depth: not allowed"),
    ("simulate --size 16 --bias 0 --layer 2:2", "--bias: not allowed"),
    (f"{P} --size 100", "size", "100"),
    (f"{P} --size 1.5", "--size", "'1.5'"),
    (f"{P} --size 64 --sigma 0", "sigma", "0"),
    (f"{P} --size 64 --sigma nan", "sigma", "nan"),
    (f"{P} --size 64 --sigma x", "--sigma: expected a number such as 2, 0.25 or 1/4; got 'x'"),
    (f"{P} --sigma 0.1", "sigma", "infinite lattice"),
    *[
        (f"{P} --size 64 {option}", f"argument {option.split()[0]}: needs argument --task")
        for option in ("--xi 8", "--gap 0", "--norm L2", "--open-boundary", "--balanced")
    ],
    (T, "--size"),
    (f"{T} --size none", "--size"),
    (f"{T} --size 64 --xi x", "--xi", "'x'"),
    (f"{T} --size 64 --gap=-1", "gap", "-1"),
    (f"{T} --size 64 --xi 60", "xi", "60"),
    (f"{T} --size 64 --norm L1", "--norm", "'L1'"),
    (f"{T} --size 64 --dim 3", "dim", "3"),
    ("predict --kernel 2 --stride 2 --depth 2 --task T3 --size 64", "--task", "'T3'"),
    ("predict --kernel 2 --stride 2 --depth 2 --task T2 --xi 7 --size 64", "xi", "7"),
    (f"{S} --size none", "--size", "'none'"),
    (f"{S} --size 8x", "--size: expected an integer, or sides such as 32x48; got '8x'"),
    (f"{S} --size 8x16", "size must be an integer or 1 integers, a side per axis; got (8, 16)"),
    *[
        (f"{P} --padding={padding}", "--padding: expected a number of sites", repr(padding))
        for padding in ("x", "1,", "-1", "", "SAME")
    ],
    (f"{P} --padding 1,2,3", "layers[0] must have as padding a number, (left, right)"),
    (f"{P} --padding-mode reflect", "padding must be given (0 for none)"),
    (f"{P} --padding 1 --padding-mode wrap", "--padding-mode", "'wrap'"),
    (f"{P} --dilation x", "--dilation: expected an integer, or several such as 1,2; got 'x'"),
    (f"{S} --padding 1 --moves jump", "--moves", "'jump'"),
    (f"{S} --moves stay", "moves must be 'wrap' on the torus"),
    *[
        (f"simulate --size 16 --layer 2:2 {option}", f"{option.split()[0]}: not allowed with argu")
        for option in ("--padding 1", "--padding-mode zeros", "--dilation 2", "--pooling max")
    ],
    ("predict --layer 2:2:a=1", "--layer: expected options among pad, mode, dilation, pool", "'a'"),
    ("predict --layer 2:2:pad=y", "--layer: expected a number of sites", "'y'"),
    ("predict --layer 2:2:pad=1:mode=wrap", "--layer: padding_mode must be one of", "'wrap'"),
    ("predict --layer 2:2:pad=1:0", "--layer", "'2:2:pad=1:0'"),
    (f"{S} --samples 3", "samples", "3"),
    (f"{S} --samples 1e4", "--samples", "'1e4'"),
    (f"{S} --rng=-1", "--rng", "'-1'"),
    (f"{S} --rng x", "--rng", "'x'"),
    (f"{S} --workers 0", "workers", "0"),
    (f"{S} --engine cuda", "--engine", "'cuda'"),
    (f"{S} --target-error x", "--target-error: expected a number such as 2, 0.25 or 1/4; got 'x'"),
    (f"{S} --target-error 0", "target_error", "0"),
    (f"{S} --target-error 1", "target_error", "1"),
    (f"{S} --checkpoint /missing/run.sqlite", "--checkpoint", "/missing/run.sqlite"),
    (f"{S} --checkpoint /dev/null", "--checkpoint", "/dev/null"),
    (f"{S} --scheduler tcp://host:1 --workers 2", "--workers: not allowed", "--scheduler"),
    (f"{S} --scheduler nowhere", "--scheduler", "'nowhere'"),
    (f"{S} --memory-limit 10", "memory_limit", "10"),
    *[
        (f"{S} --memory-limit={limit}", "--memory-limit", repr(limit))
        for limit in ("x", "5XB", "-1", "iB", "5ib")
    ],
    (f"{S} --bias x", "--bias", "'x'"),
    (f"{S} --bias 1e400", "--bias", "'1e400'"),
    (f"{S} --bias -5", "depth", "exhausted at layer 1"),
    ("compare --kernel 2 --stride 2 --depth 3 --size 64 --bias -0.1", "bias", "-0.1"),
    ("compare --kernel 2 --stride 2 --depth 3 --size 64 --samples 8", "samples"),
    (f"{P} --save ''", "--save"),
]


@pytest.mark.parametrize("case", BAD, ids=lambda case: case[0])
def test_bad_input_is_one_line_that_names_the_argument(run, case):
    refused(run, *case)


def test_bad_input_is_one_line_with_json_too(run):
    refused(run, f"{P} --size 100 --json", "size")


def test_decimals_are_exact():
    assert read_rational("0.1") == Fraction(1, 10)
    assert read_rational("-.5e+1") == -5
    assert read_kernel("0.1,0.2,0.1") == sd.Kernel([1, 2, 1])


def test_numbers_may_be_negative_fractions_everywhere(run):
    evolve = "evolve --kernel 2 --stride 2 --depth 3 --size 64"
    assert run(f"{evolve} --bias -1/12") == run(f"{evolve} --bias=-1/12")
    assert "bias=-1/12" in run(f"{evolve} --bias -1/12")[1]
    assert run(f"{evolve} --bias -5e-2") == run(f"{evolve} --bias -0.05")
    assert run(f"{evolve} --sigma 1/8") == run(f"{evolve} --sigma 0.125")


def test_a_layer_is_read_in_every_form():
    assert read_layer("3:1") == [sd.Layer(3)]
    assert read_layer("1,2,1:2:-1/20x3") == [sd.Layer([1, 2, 1], 2, Fraction(-1, 20))] * 3
    assert read_layer("binomial:4:kernelx2") == [sd.Layer(sd.binomial(4), 4)] * 2
    assert (
        read_layer("3:2:pad=0,1:dilation=2x4") == [sd.Layer(3, 2, padding=(0, 1), dilation=2)] * 4
    )
    assert read_layer("3:1:-1:pad=same") == [sd.Layer(3, 1, -1, padding="same")]
    expected = sd.Layer(2, 2, padding=1, padding_mode="replicate", pooling="max")
    assert read_layer("2:2:pad=1:mode=replicate:pool=maxx2") == [expected] * 2
    assert read_layer("2:1:dilation=1,2") == [sd.Layer(2, dilation=(1, 2))]


def test_units_of_memory():
    assert [read_bytes(text) for text in ("7", "7B", "1kB", "1.5 GB")] == [7, 7, 1000, 15 * 10**8]
    assert [read_bytes(text) for text in ("256MB", "256MiB", "2gib")] == [256 * 10**6, 2**28, 2**31]
    assert [read_bytes(text) for text in ("2G", "1.5 k", "1TB", "1T")] == [
        2**31,
        1536,
        10**12,
        2**40,
    ]


def test_numbers_of_any_length_are_read():
    digits = "1" * 5000
    assert read_rational(f"0.{digits}") == Fraction(10**5000 // 9, 10**5000)
    assert read_rational(f"1/{digits}").denominator == 10**5000 // 9
    assert read_bytes(digits) == 10**5000 // 9


@pytest.mark.parametrize("error", [TypeError("bug"), ValueError("bug"), OverflowError("bug")])
@pytest.mark.parametrize("line", [f"{P} --size 64", f"{P} --json"])
def test_a_bug_in_reading_an_argument_does_not_look_like_bad_usage(run, monkeypatch, error, line):
    """Argparse would report it as an invalid value."""

    def fail(*_):
        raise error

    monkeypatch.setattr(arguments.Kernel, "__init__", fail)
    with pytest.raises(type(error), match="bug"):
        run(line)


LONG = "x" * 300
D = "derive --kernel 2 --stride 2"
FILES = [
    *[
        (f"{S} --checkpoint run --save {name}", "--save must not be the file of argument --check")
        for name in ("run", "./RUN", "soft")
    ],
    (f"{S} --checkpoint run --save run-journal", "the journal of --checkpoint must not be the fil"),
    (f"{D} --html run --latex run", "argument --latex must not be the file of argument --html"),
    (
        f"{D} --latex page.html",
        "argument --latex: path must name a new file or an old LaTeX article",
    ),
    (
        f"{D} --html result",
        "argument --html: path must name a new file or an old HTML page; 'result'",
    ),
    (f"{P} --save page.html", "argument --save: path must name a new file or an old saved result"),
    (f"{S} --checkpoint result", "--checkpoint: path must name a new file or an old checkpoint"),
    ("plot result -o result", "argument -o/--output: expected a file that ends in .png"),
    ("plot result -o page.PDF", "-o/--output: path must name a new file or an old PDF figure"),
    ("plot link.png -o result.png", "argument --output must not be the file of argument FILE"),
    (f"{P} --save {LONG}", f"argument --save: path must be the path of a file; got '{LONG}': Fil"),
    (f"{P} --save page.html/x", "argument --save: path must be in an existing folder"),
    ("show page.html", "argument FILE: path must name a file saved by scaledet; 'page.html' is n"),
    ("show absent", "path must name a file saved by scaledet; got 'absent': No such file"),
    (f"show {LONG}", f"path must name a file saved by scaledet; got '{LONG}': File name too"),
]


@pytest.mark.parametrize("case", FILES, ids=lambda case: case[0][-40:])
def test_files_are_checked_before_anything_is_computed(run, tmp_path, monkeypatch, case):
    """No result overwrites what a command reads or writes, or a file of another kind."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "soft").symlink_to("run")
    (tmp_path / "page.html").write_text("<!DOCTYPE html><body></body>")
    (tmp_path / "page.PDF").write_text("no figure")
    sd.predict(sd.Network.uniform(2, 2, 2)).save("result")
    (tmp_path / "link.png").symlink_to("result.png")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.exists()}
    for place in ("simulation.simulate.simulate", "symbolic.derive.derive"):
        monkeypatch.setattr(f"scaledet.{place}", None)
    refused(run, *case)
    assert before == {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.exists()}
