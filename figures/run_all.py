"""Make every figure: ``python figures/run_all.py [--quick] [--out DIR] [--results DIR]``."""

from __future__ import annotations

from common import run
from fig1_images import FIGURE as IMAGES
from fig2_sensitivities import FIGURE as SENSITIVITIES
from fig3_noise import FIGURE as NOISE
from fig4_crossover import FIGURE as CROSSOVER
from fig5_exponent_map import FIGURE as EXPONENT_MAP
from fig6_bias import FIGURE as BIAS
from fig7_limit import FIGURE as LIMIT
from fig8_filters import FIGURE as FILTERS
from fig9_tradeoff import FIGURE as TRADEOFF
from fig10_photographs import FIGURE as PHOTOGRAPHS
from fig11_architectures import FIGURE as ARCHITECTURES
from fig12_wide import FIGURE as WIDE
from fig13_trained import FIGURE as TRAINED
from fig14_decomposition import FIGURE as DECOMPOSITION

FIGURES = (
    *(IMAGES, SENSITIVITIES, NOISE, CROSSOVER, EXPONENT_MAP, BIAS, LIMIT),
    *(FILTERS, TRADEOFF, PHOTOGRAPHS, ARCHITECTURES, WIDE, TRAINED, DECOMPOSITION),
)

if __name__ == "__main__":
    run(FIGURES, "all figures")
