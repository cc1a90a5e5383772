"""What `from_torch` refuses, naming what, where and what would work."""

from __future__ import annotations

import pytest

import scaledet as sd

torch = pytest.importorskip("torch")
from tests.network.torch_models import Function, three  # noqa: E402

nn, F = torch.nn, torch.nn.functional


def first_two(join):
    return lambda: Function(lambda self, x: join(self.first(x), self.second(x)), **three())


def after_first(change):
    return lambda: Function(lambda self, x: change(self.first(x)), **three())


REFUSED = {
    "cat": (first_two(lambda x, y: torch.cat([x, y], 1)), "concatenation, as in Inception"),
    "product": (first_two(lambda x, y: x * y), "combines two maps and is no sum"),
    "difference": (first_two(lambda x, y: x - y), "combines two maps and is no sum"),
    "quotient": (first_two(lambda x, y: x / y), "combines two maps and is no sum"),
    "scaled sum": (first_two(lambda x, y: torch.add(x, y, alpha=2)), "leave it at 1"),
    "pair": (first_two(lambda x, y: (x, y)), "one tensor that depends on the image; got 2"),
    "uneven windows": (lambda: nn.AdaptiveAvgPool2d(3), r"from \(8, 8\) to \(3, 3\) places"),
    "mean of rows": (after_first(lambda x: x.mean(2)), "not over all sides"),
    "mean of channels": (after_first(lambda x: x.mean(1, True)), "not over all sides"),
    "transposed": (lambda: nn.ConvTranspose2d(1, 1, 2, 2), "enlarges the map"),
    "upsampling": (after_first(lambda x: F.interpolate(x, scale_factor=2)), "enlarges the map"),
    "permuted": (after_first(lambda x: x.permute(0, 2, 3, 1)), "it exchanges axes"),
    "tokens": (after_first(lambda x: x.flatten(2)), "into a tensor of shape"),
    "linear on a map": (lambda: nn.Sequential(nn.Conv2d(1, 1, 3), nn.Linear(6, 6)), "flatten"),
    "softmax on a map": (after_first(lambda x: F.softmax(x, 3)), "along one side"),
    "unknown": (after_first(lambda x: torch.cumsum(x, 3)), r"\(cumsum\): it is not known"),
    "rolled": (after_first(lambda x: torch.roll(x, 1, 3)), r"\(roll\): it is not known"),
    "indices": (
        lambda: nn.MaxPool2d(2, return_indices=True),
        "one tensor that depends on the image; got 2",
    ),
    "divisor": (lambda: nn.AvgPool2d(2, divisor_override=3), "leave it at None"),
    "filled": (lambda: nn.Sequential(nn.ConstantPad2d(1, 2.0), nn.Conv2d(1, 1, 3)), "not 0"),
    "cropped": (after_first(lambda x: F.pad(x, (-1, 0))), "cuts the map"),
    "positions": (after_first(lambda x: x + torch.arange(8.0)), "differs from place to place"),
    "mask": (after_first(lambda x: x * torch.arange(8.0)), "differs from place to place"),
    "negative factor": (first_two(lambda x, y: x + -1 * y), "the factor -1 exchanges"),
    "difference from a constant": (after_first(lambda x: 1.0 - x), r"\(rsub\): it is not known"),
    "quotient of a constant": (after_first(lambda x: torch.ones(1) / x), "div from a constant"),
    "vector and map": (after_first(lambda x: x * x.mean((2, 3))), "a vector meets a map"),
    "negated": (first_two(lambda x, y: x + (-y)), r"\(neg\): it is not known"),
    "without weights": (lambda: nn.Conv2d(1, 1, 3, device="meta"), "must hold its weights"),
    "two heads": (first_two(lambda x, y: x.mean((2, 3)) + y.mean((2, 3))), "have the sides"),
    "no layer": (nn.ReLU, "must hold a convolution or a pooling"),
    "head alone": (lambda: nn.Sequential(nn.Flatten(), nn.Linear(64, 2)), "must hold a conv"),
    "ends with padding": (lambda: nn.ZeroPad2d(1), "must not end with padding"),
    "one axis": (lambda: Function(lambda self, x: self.c(x[:, 0]), c=nn.Conv1d(8, 1, 3)), "known"),
    "dynamic": (
        after_first(lambda x: F.conv2d(x, x.mean((2, 3), True).expand(1, 1, 3, 3))),
        "several values|is not known|depend on the image",
    ),
    "wrong channels": (lambda: nn.Conv2d(3, 1, 3), r"shape \(1, 1, 8, 8\)"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_read_is_refused(name):
    module, text = REFUSED[name]
    with pytest.raises(sd.errors.ArgumentError, match=text) as caught:
        sd.from_torch(module(), (1, 8, 8))
    assert str(caught.value).startswith("module must ")


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"module": 3}, r"torch.nn.Module; got int"),
        ({"input_size": 8}, r"input_size must be \(channels, sides\)"),
        ({"input_size": (8,)}, r"input_size must be \(channels, sides\)"),
        ({"input_size": (1, 8, 0)}, r"input_size\[2\] must be an integer >= 1"),
        ({"input_size": (1, 8, 2**30)}, "at most"),
        ({"filters": "gauss"}, "'box', 'measured'; got 'gauss'"),
        ({"max_pooling": "sum"}, "'average', 'max'; got 'sum'"),
        ({"route": "jit"}, "'export', 'fx', 'hooks'; got 'jit'"),
    ],
)
def test_wrong_arguments(arguments, text):
    given = {"module": nn.Conv2d(1, 1, 3), "input_size": (1, 8, 8), **arguments}
    with pytest.raises(ValueError, match=text):
        sd.from_torch(given.pop("module"), given.pop("input_size"), **given)


def test_without_torch_it_says_what_to_install(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ImportError, match=r"pip install scaledet\[torch\]"):
        sd.from_torch(None, (1, 8, 8))


def test_sizes_that_differ_from_the_modules_own_are_refused(monkeypatch):
    from scaledet.network.torch_modules import steps

    order = dict(steps._ORDER)
    order["conv"] = (*order["conv"][:3], "ignored", *order["conv"][4:])
    monkeypatch.setattr(steps, "_ORDER", order)
    with pytest.raises(ValueError, match="is not read correctly, and refused"):
        sd.from_torch(nn.Conv2d(1, 1, 3, stride=2), (1, 8, 8), route="export")
