"""``scaledet architecture`` against the library."""

from __future__ import annotations

import pytest

import scaledet as sd
from scaledet import presets
from tests.cli.test_arguments import refused


def test_the_list(run, run_json):
    assert run("architecture --list") == (0, "\n".join(presets.list()) + "\n", "")
    assert run_json("architecture --list")["names"] == list(presets.list())


@pytest.mark.parametrize(
    ("line", "net", "size"),
    [
        ("vgg11 --size 224", presets.vgg11(), 224),
        ("vgg11 --size 224 160", presets.vgg11(), (224, 160)),
        ("alexnet", presets.alexnet(), None),
        ("resnet18 --size 64 --blur tri3", presets.resnet18(blur="tri3"), 64),
        ("resnet50 --stride-in 3x3", presets.resnet50(stride_in="3x3"), None),
        ("lenet5 --size 32 --blur 1,3,3,1", presets.lenet5(blur=[1, 3, 3, 1]), 32),
        ("vgg16 --max-pooling max", presets.vgg16(max_pooling="max"), None),
    ],
)
def test_it_prints_the_summary(run, run_json, line, net, size):
    summary = net.summary(size)
    assert run(f"architecture {line}") == (0, f"{summary!r}\n", "")
    record = run_json(f"architecture {line}")
    assert sd.Network.from_dict(record["network"]) == net
    assert record["columns"]["support"] == [int(n) for n in summary.columns()["support"]]


def test_it_predicts_on_demand(run, run_json):
    line = "architecture lenet5 --size 32 --blur tri3 --predict"
    expected = sd.predict(presets.lenet5(blur="tri3"), size=32)
    assert run(line) == (0, f"{expected!r}\n", "")
    assert run_json(line)["columns"]["D"] == expected.D.tolist()


def test_summaries_are_saved_shown_and_not_drawn(run, run_json, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    _, printed, _ = run("architecture vgg11 --size 64 --save vgg.npz")
    assert run("show vgg.npz") == (0, printed, "")
    assert run_json("show vgg.npz")["size"] == [64, 64]
    refused(run, "plot vgg.npz -o vgg.png", "expected results with a figure; got a Summary")


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("", "expected one of lenet5, alexnet"),
        ("vgg12", "got vgg12"),
        ("vgg11 --blur tri4", "argument --blur"),
        ("vgg11 --size 16", "layer 13 ('pool5')"),
        ("vgg11 --size 64 64 64", "size"),
        ("vgg11 --stride-in 3x3", "needs NAME to be resnet50; got vgg11"),
        ("vgg11 --predict", "argument --predict: needs argument --size"),
    ],
)
def test_wrong_arguments(run, line, text):
    refused(run, f"architecture {line}", text)
