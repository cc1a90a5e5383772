"""Every figure script runs, writes its three files, and its table holds the exact numbers."""

from __future__ import annotations

import csv
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import scaledet as sd
from tests.analysis.trained_tables import flagship, write

FOLDER = Path(__file__).resolve().parent.parent / "figures"
NAMES = sorted(
    (path.stem for path in FOLDER.glob("fig[0-9]*_*.py")),
    key=lambda name: int(name.partition("_")[0][3:]),
)


def run_script(script: str, out: Path) -> str:
    """Run a script as a user would; return what it printed."""
    command = [sys.executable, str(FOLDER / script), "--quick", "--out", str(out)]
    command += ["--results", str(write(out.parent / "results", flagship(seeds=3)))]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=out.parent)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    out = tmp_path_factory.mktemp("figures") / "out"
    return out, run_script("run_all.py", out)


@pytest.fixture
def rows(made):
    def read(name: str, **wanted: str) -> list[dict[str, str]]:
        with (made[0] / f"{name}.csv").open(newline="", encoding="utf-8") as file:
            table = list(csv.DictReader(file))
        return [row for row in table if all(row[n] == value for n, value in wanted.items())]

    return read


def column(table: list[dict[str, str]], name: str) -> np.ndarray:
    assert table
    return np.array([float(row[name]) for row in table])


@pytest.mark.parametrize("name", NAMES)
def test_csv_pdf_and_png_are_written(made, name):
    out, _ = made
    assert (out / f"{name}.pdf").read_bytes().startswith(b"%PDF")
    png = (out / f"{name}.png").read_bytes()
    assert png.startswith(b"\x89PNG")
    assert int.from_bytes(png[16:20]) >= 1400  # 7 inches at 200 dpi
    assert len((out / f"{name}.csv").read_text(encoding="utf-8").splitlines()) > 10


def test_run_all_tells_the_time_first_and_last(made):
    lines = made[1].splitlines()
    assert lines[0].startswith("estimated time: ")
    assert [line.split()[1] for line in lines[1:-1]] == NAMES
    assert lines[-1].startswith("total: ")
    assert len(NAMES) == 14


def test_one_script_alone_repeats_the_same_numbers(made, tmp_path):
    name = "fig3_noise"
    run_script(f"{name}.py", tmp_path / "again")
    first, second = (folder / f"{name}.csv" for folder in (made[0], tmp_path / "again"))
    assert first.read_bytes() == second.read_bytes()


def test_fig1_rows_are_the_pooled_image(rows):
    for dim, side in ((1, 64), (2, 32)):
        for stride in (1, 2):
            table = rows("fig1_images", dim=str(dim), stride=str(stride))
            for layer in {row["layer"] for row in table}:
                part = [row for row in table if row["layer"] == layer]
                pixels = side**dim / (stride ** (dim * int(layer)))
                assert len(part) == pixels
                # Pooling keeps the mean: two active pixels among all.
                assert column(part, "value").mean() == pytest.approx(2 / side**dim, rel=1e-12)


def test_fig1_compares_equal_receptive_fields(rows):
    widths = [sorted(set(column(rows("fig1_images", dim="1", stride=s), "A"))) for s in ("1", "2")]
    np.testing.assert_allclose(widths, [[1, 2, 4, 8, 16]] * 2, rtol=1e-12)


def test_fig1_without_stride_is_binomial_and_centred(rows):
    part = rows("fig1_images", dim="1", stride="1", layer="5")
    values = column(part, "value")
    bump = np.array([1, 5, 10, 10, 5, 1]) / 32
    expected = np.zeros(64)
    for pixel in (20, 33):
        expected[pixel - 3 : pixel + 3] += bump
    np.testing.assert_allclose(values, expected, atol=1e-15)


def test_fig2_theory_at_stride_2_is_the_closed_form(rows):
    table = rows("fig2_sensitivities", network="box 2, stride 2")
    widths = column(table, "A")
    expected = 1 / widths / (1 - widths / 256)
    np.testing.assert_allclose(column(table, "D_theory"), expected, rtol=1e-12)


def test_fig2_theory_at_stride_1_is_the_sum_over_frequencies(rows):
    table = rows("fig2_sensitivities", network="box 5, stride 1")
    angles = 2 * np.pi * np.arange(1, 256) / 256
    layers = column(table, "layer")[:, None]
    power = (np.sin(2.5 * angles) / (5 * np.sin(angles / 2))) ** (2 * layers)
    expected = (power * (1 - np.cos(angles))).sum(axis=1) / power.sum(axis=1)
    np.testing.assert_allclose(column(table, "D_theory"), expected, rtol=1e-10)


def test_fig2_theory_at_stride_1_falls_with_slope_2_then_saturates(rows):
    table = rows("fig2_sensitivities", network="box 5, stride 1")
    widths, theory = column(table, "A"), column(table, "D_theory")
    slopes = np.diff(np.log(theory)) / np.diff(np.log(widths))
    # Q_k on the torus adds A/N to the slope of the infinite lattice.
    middle = (widths[:-1] > 20) & (widths[:-1] < 35)
    np.testing.assert_allclose(slopes[middle] - widths[:-1][middle] / 256, -2, atol=0.06)
    assert theory[-1] == pytest.approx(1 - math.cos(2 * math.pi / 256), rel=0.02)


def test_fig2_exponents_ratio_and_verdict(rows):
    for network, alpha in (("box 2, stride 2", 1), ("box 5, stride 1", 2)):
        table = rows("fig2_sensitivities", network=network)
        assert set(column(table, "alpha")) == {alpha}
        assert set(column(table, "beta")) == {1}
        ratio = column(table, "D_theory") / column(table, "G_theory")
        np.testing.assert_allclose(column(table, "R_theory"), ratio, rtol=1e-12)
        assert column(table, "p_value")[0] > 1e-3


def test_fig2_simulated_points_are_near_the_theory(rows):
    table = [row for row in rows("fig2_sensitivities") if row["D"]]
    for quantity in "DG":
        difference = column(table, quantity) - column(table, f"{quantity}_theory")
        pull = difference / column(table, f"{quantity}_err")
        np.testing.assert_allclose(pull, column(table, f"{quantity}_pull"), rtol=1e-9, atol=1e-9)
        assert np.abs(pull).max() < 5


def test_fig3_noise_without_rectification_stays_but_for_size(rows):
    table = rows("fig3_noise", network="box 2, stride 2", rectify="")
    widths = column(table, "A")
    np.testing.assert_allclose(column(table, "G_theory"), 1 / (1 - widths / 256), rtol=1e-12)
    assert (column(table, "G_mean") == 0).all()


def test_fig3_rectified_noise_grows_by_its_mean(rows):
    table = rows("fig3_noise", network="box 2, stride 2", rectify="input")
    mean, variance = column(table, "G_mean"), column(table, "G_variance")
    np.testing.assert_allclose(column(table, "G_theory"), mean + variance, rtol=1e-12)
    widths = column(table, "A")
    # sigma^2 = 2/N: mean (N sigma^2/(2 pi)) A/2 and its corrections of order sigma, without size.
    grown = mean * (1 - widths / 256)
    np.testing.assert_allclose(grown / widths, 1 / (2 * math.pi), rtol=0.05)
    assert (column(table, "p_value") > 1e-3).all()


@pytest.mark.parametrize(
    ("kind", "dim"), [("stride 2", 1), ("stride 2", 2), ("stride 1", 1), ("stride 1", 2)]
)
def test_fig4_local_exponent_tends_to_the_dimension_from_below(rows, kind, dim):
    table = rows("fig4_crossover", kind=kind, dim=str(dim))
    local = column(table[1:], "local")
    assert set(column(table, "beta")) == {dim}
    assert (np.diff(local) > 0).all()
    assert dim - 0.05 < local[-1] < dim
    fitted = column(table[2:], "fitted")
    assert (fitted < dim).all()
    assert fitted[0] < 0.65 * dim


def test_fig4_closed_forms_at_stride_2(rows):
    for dim in (1, 2):
        table = rows("fig4_crossover", kind="stride 2", dim=str(dim))
        widths = column(table, "A")
        law = (math.pi - 1) / (2 * math.pi) + widths**dim / (2 * math.pi)
        np.testing.assert_allclose(column(table, "G"), law, rtol=1e-12)
        # At the crossover both terms are equal.
        star = column(table, "crossover")[0]
        assert star**dim == pytest.approx(math.pi - 1, rel=1e-12)
    star = column(rows("fig4_crossover", kind="stride 1", dim="1"), "crossover")[0]
    assert star == pytest.approx((math.pi - 1) * math.sqrt(3 / math.pi), rel=1e-12)


def test_fig4_five_layers_at_stride_2_read_two_thirds(rows):
    table = rows("fig4_crossover", kind="stride 2", dim="1", layer="4")
    x = np.log(2.0) * np.arange(5)
    y = np.log((math.pi - 1 + 2.0 ** np.arange(5)) / (2 * math.pi))
    slope = ((x - x.mean()) * y).sum() / ((x - x.mean()) ** 2).sum()
    assert column(table, "fitted")[0] == pytest.approx(slope, rel=1e-10)
    assert slope < 0.66


@pytest.mark.parametrize(
    ("name", "length", "stride", "alpha"),
    [
        ("box", 6, 3, 1 + math.log(2) / math.log(3)),
        ("box", 8, 4, 1.5),
        ("box", 2, 2, 1),
        ("box", 5, 5, 1),
        ("box", 4, 2, 2),
        ("box", 3, 2, 0),
        ("box", 2, 8, 0),
        ("box", 6, 2, 1 - math.log2((5 + math.sqrt(17)) / 18)),
        ("box", 7, 1, 2),
        ("binomial", 2, 2, 1),
        ("binomial", 3, 2, 2),
        ("binomial", 5, 2, 2),
        ("binomial", 9, 3, 0),
    ],
)
def test_fig5_alpha(rows, name, length, stride, alpha):
    (row,) = rows("fig5_exponent_map", filter=name, length=str(length), stride=str(stride))
    assert float(row["alpha"]) == pytest.approx(alpha, rel=1e-12)


def test_fig5_boxes_are_stable_only_if_the_stride_divides_the_length(rows):
    table = rows("fig5_exponent_map", filter="box")
    assert len(table) == 15 * 8
    for row in table:
        divides = int(row["length"]) % int(row["stride"]) == 0
        assert (float(row["alpha"]) > 0) == divides


def test_fig6_curves_start_at_the_rectified_input_and_keep_the_order(rows):
    curves = {}
    for row in rows("fig6_bias", part="curve"):
        curves.setdefault(row["schedule"], []).append(row)
    assert len(curves) == 4
    none, constant, proportional, best = (column(part, "G_theory") for part in curves.values())
    for curve in (none, constant, proportional, best):
        # relu(sigma Z) has half the energy of sigma Z; the active pixel keeps all of it.
        assert curve[0] == pytest.approx(0.5 * 513 / 512 / (1 - 1 / 512), rel=1e-3)
    # Without bias: the closed form of the crossover but for size.
    A = column(next(iter(curves.values())), "A")
    law = ((math.pi - 1) / (2 * math.pi) + A / (2 * math.pi)) / (1 - A / 512)
    np.testing.assert_allclose(none, law, rtol=0.07)
    assert best[-1] < proportional[-1] < none[-1]
    # The small constant bias does harm in the end: the signal dies faster than the noise.
    assert (constant[1:-1] < none[1:-1]).all()
    assert constant[-1] > none[-1]


def test_fig6_simulated_points_are_near_the_theory(rows):
    table = rows("fig6_bias", part="curve")
    pulls = (column(table, "G") - column(table, "G_theory")) / column(table, "G_err")
    assert np.abs(pulls).max() < 5
    points = rows("fig6_bias", part="point")
    pulls = (column(points, "simulated") - column(points, "relative")) / column(
        points, "simulated_err"
    )
    assert np.abs(pulls).max() < 5


def test_fig6_boundaries(rows):
    table = rows("fig6_bias", part="map")
    assert set(column(table, "dead")) == {float(1 / np.float64(6))}
    theta, sigma, relative = (column(table, name) for name in ("theta", "sigma", "relative"))
    assert theta.max() < 1 / 6
    # Weak noise: the ray decides, away from where the signal is about to die.
    weak = (theta < 0.02) & (np.abs(np.log(theta / sigma / column(table, "ratio"))) > 0.3)
    above = theta[weak] / sigma[weak] < column(table, "ratio")[weak]
    assert above.any()
    assert (~above).any()
    np.testing.assert_array_equal(relative[weak] > 1, above)


def test_fig7_no_filter_is_below_the_limit(rows):
    table = [row for row in rows("fig7_limit") if row["D"]]
    assert (column(table, "D") >= column(table, "limit") * (1 - 1e-11)).all()
    boxes = rows("fig7_limit", kind="boxes of 2 and 4, stride 1")
    assert float(boxes[0]["D"]) == pytest.approx(float(boxes[0]["limit"]), rel=1e-12)
    best = rows("fig7_limit", kind="the best window, sampled")
    assert (column(best, "D")[-3:] < 1.003 * column(best, "limit")[-3:]).all()


def test_fig7_limit_tends_to_the_sharp_constant(rows):
    line = rows("fig7_limit", kind="limit")
    product = column(line, "limit") * column(line, "A") ** 2
    assert product[0] == 1
    assert (product < 2.5702102050536).all()
    assert product[-1] > 2.565
    assert (np.diff(product) < 0).any()  # not monotone


def test_fig8_weights_sum_to_one_and_laws_are_exact(rows):
    facts = {row["filter"]: row for row in rows("fig8_filters", part="facts")}
    assert facts["none"]["alpha"] == "nothing pools"
    laws = {"box2": 1, "box3": 0, "tri3": 2, "tri4": 2, "bin5": 2, "gaussian": 0}
    assert {name: float(facts[name]["alpha"]) for name in laws} == laws
    assert float(facts["gaussian"]["plateau"]) == pytest.approx(4.4e-4, rel=2e-3)
    assert float(facts["gaussian"]["seen"]) > 1.9
    for name in facts:
        weights = column(rows("fig8_filters", part="weight", filter=name), "weight")
        assert weights.sum() == pytest.approx(1, rel=1e-12)


def test_fig8_curves_are_the_closed_forms(rows):
    curve = column(rows("fig8_filters", part="layer", filter="tri3"), "D")
    layers = np.arange(len(curve))
    np.testing.assert_allclose(curve, 3 / (2 * 4.0**layers + 1), rtol=1e-12)
    boxes = column(rows("fig8_filters", part="layer", filter="box2"), "D")
    np.testing.assert_allclose(boxes, 0.5**layers, rtol=1e-12)


@pytest.mark.parametrize("depth", ["1", "4"])
def test_fig9_curves_lie_between_the_limit_and_the_known_filters(rows, depth):
    known = {row["filter"]: row for row in rows("fig9_tradeoff", part="known", depth=depth)}
    for length in ("3", "5", "9"):
        curve = rows("fig9_tradeoff", part="curve", depth=depth, length=length)
        admitted, moved, noisy = (column(curve, name) for name in ("max_G", "D", "G"))
        assert (moved >= column(curve, "bound") * (1 - 1e-9)).all()
        assert (noisy <= admitted).all()
        assert (np.diff(moved) < 0).all()
        # A known filter of this length is no better than the optimum at more noise.
        for name in ("box 2", "box 3", "[1, 2, 1]"):
            more = admitted >= float(known[name]["G"])
            if more.any():
                assert moved[more][0] <= float(known[name]["D"]) * (1 + 1e-9)
    single = rows("fig9_tradeoff", part="curve", depth="1", length="3")
    assert column(single, "D")[-1] == pytest.approx(1 - math.sqrt(0.5), rel=1e-9)


def test_fig10_photographs_are_near_the_theory_of_their_spectrum(rows):
    table = [
        row for part in ("networks", "deformations") for row in rows("fig10_photographs", part=part)
    ]
    theory, measured = column(table, "D_theory"), column(table, "D")
    assert (np.abs(measured - theory) < 4 * column(table, "D_draw_err") + 0.03 * theory).all()
    # A displacement that is constant in the receptive field is right at the input, not at the end.
    first = column(table, "layer") == 0
    np.testing.assert_allclose(column(table, "D_local")[first], theory[first], rtol=1e-5)
    for label in {row["label"] for row in table if row["part"] == "deformations"}:
        curve = [row for row in table if row["label"] == label]
        assert (np.diff(column(curve, "D_theory")) < 0).all()
        assert column(curve, "D_local")[-1] < 0.95 * column(curve, "D_theory")[-1]


def test_fig10_published_architectures_are_near_the_theory(rows):
    for label, layers in (("VGG16", 19), ("ResNet18", 11)):
        table = rows("fig10_photographs", part="presets", label=label)
        assert len(table) == layers
        theory, error = column(table, "D_theory"), column(table, "D_draw_err")
        assert (np.abs(column(table, "D") - theory) < 4 * error + 0.03 * theory).all()
        # Negative control: another deformation would be told apart.
        assert (np.abs(column(table, "D") - 1.5 * theory) > 2 * error).all()


def test_fig10_shows_a_patch_that_is_deformed_and_hardly_moved(rows):
    plain, deformed = (
        column(rows("fig10_photographs", part=p), "value") for p in ("plain", "deformed")
    )
    assert 0 < np.abs(deformed - plain).mean() < plain.std()
    assert np.corrcoef(plain, deformed)[0, 1] > 0.8


def last(rows, network: str, blur: str) -> dict[str, str]:
    return rows("fig11_architectures", network=network, blur=blur)[-1]


def test_fig11_ends_with_the_last_maps(rows):
    assert last(rows, "vgg16", "none")["layer"] == "pool5"
    assert last(rows, "resnet18", "tri3")["layer"] == "layer4.1.sum"
    first = rows("fig11_architectures", k="0")
    assert column(first, "D") == pytest.approx(1, rel=2e-4)
    assert (column(first, "A") == 1).all()


def test_fig11_blur_filters_mend_odd_strides_and_not_pooling_2x2(rows):
    gain = {
        network: float(last(rows, network, "none")["D"]) / float(last(rows, network, "tri3")["D"])
        for network in ("vgg16", "alexnet", "resnet18")
    }
    assert 0.5 < gain["vgg16"] < 1.1 < 1.5 < gain["alexnet"] < 3 < 10 < gain["resnet18"]


def test_fig12_is_the_theory_between_independent_taps_and_the_model(rows):
    pooled = column(rows("fig12_wide", part="theory", t="1.0"), "D")
    model = sd.predict(sd.Network.uniform(3, depth=len(pooled) - 1), size=64)
    assert pooled == pytest.approx(model.D, rel=1e-10)
    for share in ("0.0", "0.5", "0.9", "1.0"):
        curve = rows("fig12_wide", part="theory", t=share)
        points = rows("fig12_wide", part="networks", t=share)
        for name in "DG":
            error = 4 * column(points, f"{name}_err") + 0.02 * column(curve, name)
            assert (abs(column(points, name) - column(curve, name)) < error).all()
    assert column(rows("fig12_wide", part="theory", t="0.0"), "G").max() < 1.08
