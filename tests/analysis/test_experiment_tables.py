"""Damaged tables of experiments are refused, naming file, line and column."""

from __future__ import annotations

import re

import pytest

import scaledet as sd
from scaledet.analysis.claims import Curve
from scaledet.analysis.experiment_tables import COLUMNS, read_cases
from scaledet.errors import ArgumentError, ArgumentTypeError
from tests.analysis.trained_tables import row, write

HEAD = ",".join(COLUMNS)
LINE = "e1,1d_strided_T1,k2s2,decay,0,after,all,1,2.0,D,0.5,"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("e1,1d_strided_T1,k2s2", "line 3: 12 cells are needed; got 3"),
        (LINE + ",more", "line 3: 12 cells are needed; got 13"),
        (LINE.replace("T1", "T3"), "line 3: setting must be one of 1d_strided_T1, "),
        (LINE.replace("after", "later"), "line 3: stage must be one of before, zero_loss, after"),
        (LINE.replace("k2s2", ""), "line 3: net must not be empty"),
        (LINE.replace(",D,", ",,"), "line 3: quantity must not be empty"),
        (LINE.replace(",0,after", ",0.5,after"), "line 3: seed must be an integer; got '0.5'"),
        (LINE.replace("all,1,", "all,first,"), "line 3: layer must be an integer; got 'first'"),
        (LINE.replace("0.5", "nan"), "line 3: value must be a finite number; got 'nan'"),
        (LINE.replace("0.5", ""), "line 3: value must be a finite number; got ''"),
        (LINE.replace("0.5", "half"), "line 3: value must be a finite number; got 'half'"),
        (LINE.replace("2.0", "-2"), "line 3: A must be > 0; got '-2'"),
        (LINE.replace("2.0", "4"), "line 3: A of layer 1 must be that of other rows, 2; got 4"),
        ('"' + LINE, "cannot be read as a table"),
    ],
)
def test_damaged_rows(tmp_path, line, message):
    (tmp_path / "e1.csv").write_text(f"{HEAD}\n{LINE}\n{line}\n", encoding="utf-8")
    with pytest.raises(ArgumentError, match=rf"^e1\.csv.*{re.escape(message)}"):
        sd.verdicts(tmp_path)


@pytest.mark.parametrize("text", ["", "net,value\n", f"{HEAD},more\n"])
def test_other_columns(tmp_path, text):
    (tmp_path / "e1.csv").write_text(text, encoding="utf-8")
    with pytest.raises(ArgumentError, match=r"e1\.csv: columns must be experiment,setting,"):
        sd.verdicts(tmp_path)


def test_bytes_that_are_no_text(tmp_path):
    (tmp_path / "e1.csv").write_bytes(HEAD.encode() + b"\n\xff\n")
    with pytest.raises(ArgumentError, match=r"e1\.csv: cannot be read as a table"):
        sd.verdicts(tmp_path)


def test_folders_without_tables(tmp_path):
    with pytest.raises(ArgumentError, match=r"must hold tables .*make experiments"):
        sd.verdicts(tmp_path)
    with pytest.raises(ArgumentError, match="No such file"):
        sd.verdicts(tmp_path / "none")
    with pytest.raises(ArgumentTypeError, match="folder must be a string or a path; got 3"):
        sd.verdicts(3)  # type: ignore[arg-type]


def test_seeds_are_integers_of_any_size(tmp_path):
    seeds = (2**53, 2**53 + 1, 10**400)
    write(tmp_path, [row(seed, 0.5, layer=1, A=2) for seed in seeds], "e1")
    (case,) = read_cases(tmp_path)
    assert case.values(Curve("D"), "after").keys() == set(seeds)


def test_tables_are_read_together(tmp_path):
    for seed in range(3):
        rows = [row(seed, 1 / k + seed / 100, layer=k, A=2**k) for k in (1, 2, 3, 4)]
        write(tmp_path, rows, f"e{seed}")
    assert sd.verdicts(tmp_path).rows[0].points == 3
