"""predict for one pixel where nothing is translation invariant, against every image by itself."""

from __future__ import annotations

from fractions import Fraction

import pytest

import scaledet as sd
from scaledet import Layer, Network
from scaledet.reference.bordered import Bordered
from scaledet.theory.matrices.pixel import pixel_matrices
from scaledet.theory.response import matrix_response
from tests.dense import perturbation_moments

CORNER = [[0, 1, 0], [2, 4, 1], [0, 1, 1]]
RESIDUAL = {
    "stem": (Layer(3, padding=1), "image"),
    "a": (Layer([1, 2], padding="same"), "stem"),
    "b": (Layer([1, 2, 1], padding=1, padding_mode="reflect"), "a"),
    "sum": (Layer(1), ["stem", "b", "stem"]),
    "end": (Layer(3, 2, padding=1), ["sum"]),
}


def graph(nodes, dim):
    return Network.from_graph(nodes, dim=dim)


CASES = {
    "zeros": (Network([Layer(3, padding=1), Layer([1, 2, 1], 2, padding=1)]), (9,)),
    "valid": (Network([Layer([1, 3], padding=0), Layer(3, 2, padding=0)]), (10,)),
    "sides": (Network([Layer([1, 2, 5], 2, padding=(2, 0)), Layer(2, padding=(0, 1))]), (7,)),
    "reflect": (
        Network(
            [
                Layer(5, 2, padding=2, padding_mode="reflect"),
                Layer([1, 2, 1], padding=2, padding_mode="reflect"),
            ]
        ),
        (11,),
    ),
    "replicate": (Network([Layer([1, 2, 3], 1, padding=2, padding_mode="replicate")] * 2), (6,)),
    "circular": (Network([Layer(3, 2, padding=1, padding_mode="circular"), Layer(2)]), (9,)),
    "dilated": (Network([Layer(3, padding=2, dilation=2), Layer(2, 3, padding=1)]), (10,)),
    "uncounted": (
        Network([Layer([1, 2, 3], 2, padding=1, count_include_pad=False), Layer(3, padding=1)]),
        (8,),
    ),
    "ceil": (
        Network(
            [
                Layer(3, 2, padding=1, ceil_mode=True),
                Layer([1, 2, 1], 2, padding=1, ceil_mode=True, count_include_pad=False),
            ]
        ),
        (14,),
    ),
    "tensorflow": (
        Network([Layer(4, 3, padding="same-tf"), Layer([3, 1], 2, padding="same-tf")]),
        (11,),
    ),
    "axes": (
        Network(
            [
                Layer((3, 2), (2, 1), padding=((1, 1), (0, 1))),
                Layer(([1, 2, 1], [1, 1]), padding=1, padding_mode="replicate", dilation=(1, 2)),
            ],
            dim=2,
        ),
        (6, 4),
    ),
    "torus of unequal axes": (Network([Layer(([1, 2], [1, 1, 2]), (1, 2))], dim=2), (3, 4)),
    "torus of unequal sides": (Network([Layer([1, 2, 1])] * 2, dim=2), (3, 5)),
    "three axes": (Network([Layer(2, padding=1), Layer(3, 2, padding=1)], dim=3), (3, 2, 3)),
    "corner": (
        Network([Layer(CORNER, padding=1), Layer(CORNER, 2, padding=1, dilation=2)], dim=2),
        (5, 4),
    ),
    "corner on the torus": (Network([Layer(CORNER), Layer(2, 2)], dim=2), (4, 6)),
    "corner without counting": (
        Network([Layer(CORNER, 2, padding=1, ceil_mode=True, count_include_pad=False)], dim=2),
        (4, 5),
    ),
    "residual": (graph(RESIDUAL, 1), (9,)),
    "residual in two dimensions": (graph(RESIDUAL, 2), (5, 4)),
    "branches on the torus": (
        Network([Layer(2), Layer(3), Layer(1, bias=1)], inputs=[(0,), (0,), (1, 2)]),
        (8,),
    ),
    "biases": (Network([Layer(3, padding=1, bias=0.5), Layer(2, 2, padding=1, bias=2)]), (8,)),
}
BORDERED = [name for name in CASES if "torus" not in name]
MOVES = [(name, "wrap") for name in CASES] + [
    (name, moves) for name in BORDERED for moves in ("stay", "inside")
]


def every_pixel(reference):
    return {(p,): Fraction(1, reference.pixels) for p in range(reference.pixels)}


def size_of(sides):
    return sides[0] if len(sides) == 1 else sides


@pytest.mark.parametrize(("name", "moves"), MOVES)
def test_against_every_image_by_itself(name, moves):
    net, sides = CASES[name]
    reference = Bordered(net, sides, moves, exact=False)
    law = every_pixel(reference)
    for rectify in ("input", "noise", None):
        prediction = sd.predict(net, size=size_of(sides), moves=moves, rectify=rectify)
        low, high = (
            tuple(map(float, perturbation_moments(prediction.sigma, rectify, height)))
            for height in (0, 1)
        )
        for k in range(net.depth + 1):
            distance = reference.distance(k)
            assert prediction.Q[k] == pytest.approx(distance, rel=1e-10)
            assert prediction.D[k] == pytest.approx(reference.displacement(k) / distance, rel=1e-10)
            mean, variance = reference.noise(k, law, low, high)
            assert prediction.G_mean[k] == pytest.approx(mean / distance, rel=1e-10)
            assert prediction.G_variance[k] == pytest.approx(variance / distance, rel=1e-10)
        assert prediction.sigma**2 * reference.pixels == pytest.approx(reference.displacement(0))


@pytest.mark.parametrize(("name", "moves"), MOVES[::3] + MOVES[1::6])
def test_exact_rationals_against_every_image_by_itself(name, moves):
    net, sides = CASES[name]
    reference = Bordered(net, sides, moves)
    exact = sd.predict(net, size=size_of(sides), moves=moves).exact_D
    for k in (net.depth, 0, net.depth - 1):
        assert exact[k] == reference.displacement(k) / reference.distance(k)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("zeros", {"padding_mode": "circular"}),
        ("zeros", {"padding_mode": "reflect"}),
        ("zeros", {"padding": (2, 0)}),
        ("reflect", {"padding_mode": "replicate"}),
        ("reflect", {"padding_mode": "zeros"}),
        ("replicate", {"padding_mode": "reflect"}),
        ("circular", {"padding_mode": "zeros"}),
        ("uncounted", {"count_include_pad": True}),
        ("ceil", {"ceil_mode": False}),
        ("dilated", {"dilation": 1, "padding": 1}),
        ("corner", {"padding_mode": "reflect"}),
        ("corner without counting", {"count_include_pad": True}),
        ("residual", {"padding_mode": "replicate"}),
    ],
)
def test_another_rule_at_the_border_is_seen(name, change):
    """Each changes D by far more than the tolerance with which the right rule is held."""
    net, sides = CASES[name]
    layers = [
        layer if layer.padding in (None, "same") else Layer(**{**layer.arguments(), **change})
        for layer in net
    ]
    other = Network(layers, net.dim, inputs=net.inputs)
    D = [sd.predict(each, size=size_of(sides)).D for each in (net, other)]
    assert abs(D[1] / D[0] - 1)[1:].max() > 1e-3


@pytest.mark.parametrize("name", BORDERED)
def test_another_move_at_the_border_is_seen(name):
    net, sides = CASES[name]
    wrap, stay, inside = (
        sd.predict(net, size=size_of(sides), moves=moves).D for moves in ("wrap", "stay", "inside")
    )
    assert abs(stay / wrap - 1).max() > 1e-3
    assert abs(inside / stay - 1).max() > 1e-3


TORI = [
    (Network([Layer([1, 2, 1], 2), Layer(3), Layer([1, 3], 3)], dim), size)
    for dim, size in ((1, 48), (2, 24), (3, 12))
] + [
    (Network.uniform(5, depth=40, dim=2), 20),
    (Network.uniform([1, 0, 2], 2, depth=4), 2**9),
]


@pytest.mark.parametrize(("net", "size"), TORI)
@pytest.mark.parametrize("rectify", ["input", "noise", None])
def test_tori_as_their_own_theory(net, size, rectify):
    """The theory of translation-invariant networks, which shares nothing but the noise."""
    old = sd.predict(net, size=size, rectify=rectify)
    assert old.scenario.is_torus
    new = matrix_response(old.scenario)
    for name in ("D", "Q", "G_mean", "G_variance"):
        assert getattr(new, name) == pytest.approx(getattr(old, name), rel=1e-12)
    exact = pixel_matrices(net, old.scenario.sides, "wrap")
    for k in (0, 1, net.depth):
        assert exact.sensitivity(k) == old.exact_D[k]


@pytest.mark.parametrize("mode", ["circular", "replicate"])
def test_layers_that_end_alike_are_held_to_exact_rationals(mode):
    """All images look alike in the end; floats have lost what tells them apart."""
    net = Network([Layer(3, padding=1, padding_mode=mode)] * 400)
    prediction = sd.predict(net, size=(8,), moves="stay")
    assert prediction.Q[-1] < 1e-15 * prediction.Q[0]
    exact = [Fraction(value) for value in prediction.exact_D]
    assert [float(value) for value in exact] == pytest.approx(prediction.D, rel=1e-13)


def test_exhaustion_is_named():
    flat = Network([Layer(4, padding=0)])
    with pytest.raises(sd.ExhaustionError, match=r"at most 0 on size 4: .*layer 1"):
        sd.predict(flat, size=4)
    large = Network([Layer(1024, padding=0)])
    with pytest.raises(sd.ExhaustionError, match="at most 0 on size 1024"):
        sd.predict(large, size=1024)
