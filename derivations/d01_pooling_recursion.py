"""The pooling recursion: from layers to D_k = (c_k(0) - c_k(1)) / c_k(0).

Every step is checked against dense layer matrices in exact rationals, which share no code with
the recursion.
"""

from __future__ import annotations

from fractions import Fraction

from report import step, title

import scaledet as sd
from scaledet.correlation import composite_filter, correlation

SIZE = 48
NET = sd.Network([sd.Layer([1, 2, 4], 2), sd.Layer(3, 2), sd.Layer([1, 0, 1], 1)])


def matrix(depth: int) -> list[list[Fraction]]:
    """Rows of P_depth on the torus, multiplied out layer by layer."""
    rows = [[Fraction(int(i == j)) for j in range(SIZE)] for i in range(SIZE)]
    for layer in NET.layers[:depth]:
        inputs = len(rows)
        rows = [
            [
                sum(
                    (a * rows[(layer.stride * i + j) % inputs][p]
                     for j, a in enumerate(layer.kernel.weights)),
                    Fraction(0),
                )
                for p in range(SIZE)
            ]
            for i in range(inputs // layer.stride)
        ]  # fmt: skip
    return rows


def overlap(rows: list[list[Fraction]], lag: int) -> Fraction:
    """Average over p of <P e_p, P e_(p+lag)>."""
    products = (row[p] * row[(p + lag) % SIZE] for row in rows for p in range(SIZE))
    return sum(products, Fraction(0)) / SIZE


def composite_rows_agree() -> bool:
    for depth in range(1, NET.depth + 1):
        weights = composite_filter(NET, depth, SIZE)
        total, stride = sum(weights), NET.strides[depth]
        for i, row in enumerate(matrix(depth)):
            expected = [Fraction(weights[(p - stride * i) % SIZE], total) for p in range(SIZE)]
            if row != expected:
                return False
    return True


def overlaps_agree() -> bool:
    for depth in range(1, NET.depth + 1):
        found = correlation(NET, depth, size=SIZE, lags=5)
        rows = matrix(depth)
        for lag, value in enumerate(found.values):
            if overlap(rows, lag) != Fraction(value, found.scale) / NET.strides[depth]:
                return False
    return True


def sensitivity_agrees() -> bool:
    exact = sd.predict(NET, size=SIZE).exact_D
    for depth in range(NET.depth + 1):
        rows = matrix(depth)
        moved = 2 * (overlap(rows, 0) - overlap(rows, 1))
        apart = 2 * (overlap(rows, 0) - sum((sum(row) ** 2 for row in rows), Fraction(0)) / SIZE**2)
        if exact[depth] != moved / apart:
            return False
    return True


def strided_box_agrees() -> bool:
    values = sd.predict(sd.Network.uniform(3, 2, 5)).exact_D
    peaks, squares = (3, 13, 59, 269, 1227), (2, 6, 26, 118, 538)
    return all(
        values[k] == Fraction(square, 2 * peak)
        for k, (peak, square) in enumerate(zip(peaks, squares, strict=True), start=1)
    )


def main() -> None:
    """Run the derivation."""
    title(
        "D_k of one uniformly placed pixel",
        "non-negative filters of sum 1, biases >= 0: every ReLU is inactive on clean images",
        "torus of N pixels, N a multiple of the total stride",
    )
    step(
        "P_k e_p is the filter h_k(z) = prod_i a_i(z^(S_{i-1})) read at p - S_k i.",
        "one layer maps x to sum_j a_j x(s i + j); substituting layer into layer multiplies the"
        " polynomials, each in the step of the grid it acts on.",
        composite_rows_agree,
    )
    step(
        "E <P_k e_p, P_k e_{p+m}> = c_k(m) / S_k, c_k = T_1 ... T_k delta_0,"
        " (T_i v)(m) = sum_n A_i(m - s_i n) v(n).",
        "averaging over p visits every grid phase once; the autocorrelation of a product of"
        " polynomials is the product of autocorrelations, peeled off from the last layer.",
        overlaps_agree,
    )
    step(
        "D_k = (c_k(0) - c_k(1)) / (c_k(0) - 1/N) at d = 1.",
        "the numerator is |P(e_{p+1} - e_p)|^2, the denominator the same for two independent"
        " pixels, whose mean overlap is 1/(N S_k).",
        sensitivity_agrees,
    )
    step(
        "Box 3 at stride 2: c_k(0) = 3, 13, 59, 269, 1227 and squared differences 2, 6, 26, 118,"
        " 538 (unnormalised).",
        "iterating T = [[3, 2], [2, 2]] on delta_0.",
        strided_box_agrees,
    )


if __name__ == "__main__":
    main()
