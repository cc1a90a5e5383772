"""Predict the sensitivities of a trained network to displacements from its measured filters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scaledet import validate
from scaledet.analysis import chain_theories as theory
from scaledet.analysis.chain_theories import Images, Response
from scaledet.analysis.trained_prediction import TrainedPrediction
from scaledet.errors import ArgumentError, ArgumentTypeError
from scaledet.isolation import usual_floats
from scaledet.measure.chain import Chain, chain_of
from scaledet.measure.sensitivities import sensitivities
from scaledet.measure.stimuli import as_image_set, displaced_images
from scaledet.rationals import shown
from scaledet.theory.wide.windows import announce

__all__ = ["predict_trained", "sampled_pairs"]

Array = NDArray[np.float64]


@usual_floats
def predict_trained(
    model: Any,
    images: Any,
    *,
    displacement: Any = "diffeomorphism",
    layers: Sequence[str] | None = None,
    shuffle_channels: int = 0,
    mean_filters: bool = True,
    theory_images: int | None = None,
    pairs: int = 4,
    batch_size: int = 32,
    rng: Any = None,
) -> TrainedPrediction:
    r"""Predict a trained network's response to displacements from its filters, and measure it.

    With weights :math:`w_{hc}(f)` at tap f from :math:`C_{in}` input channels c to output channel
    h, and biases :math:`b_h`, all BatchNorm included, a network of random filters has the same

    .. math:: m_h(f) = \sum_c w_{hc}(f), \qquad b_h, \qquad
              \sigma_w^2 C_{ff'} = \frac{C_{in}^2}{C_{in} - 1}
              \langle (w - m/C_{in})_f\, (w - m/C_{in})_{f'} \rangle .

    In the limit of many channels `predict_wide` gives its D, without a fit: that is D_coherent, a
    prediction of the network whose channels are permuted. The network's own D, measured on the
    same images and displacements, is smaller by what its channels pool; from D_before, of
    independent taps of equal variance, D_coherent differs by what its spatial filters pool:

    .. math:: D = D_{before} \cdot \frac{D_{coherent}}{D_{before}} \cdot \frac{D}{D_{coherent}} .

    D_independent neglects the means over input channels: there all of
    :math:`C_{in} \langle w_f w_{f'} \rangle` and of :math:`\langle b^2 \rangle` is random.

    Parameters
    ----------
    model : torch.nn.Module
        A chain of convolutions of all channels, each followed by a ReLU that is a module, with
        BatchNorm before the ReLU, pooling after it, or neither; whatever comes after the last
        ReLU is not read. It is run for evaluation and left as it was.
    images : tensor or array [n, channels, \*sides]
        At least 10 images, in the units that the model takes.
    displacement : {"diffeomorphism", "shift", "task"}, Diffeomorphism, ScaleDetection or callable
        As in `scaledet.measure.sensitivities`. Theories and measurement share the displaced images.
    layers : sequence of str, optional
        Names of convolutions; default: all that have a ReLU.
    shuffle_channels : int, default 0
        Number of networks to measure besides, with permuted input channels of all convolutions.
    mean_filters : bool, default True
        Whether D_coherent is computed; without it D_independent takes its place in the quotients.
    theory_images : int, optional
        Number of images in the theories of wide networks, the first ones; default: all.
    pairs : int, default 4
        Pairs there per image, for the distance Q, so that every image is in twice as many; all
        pairs if there are no more.
    batch_size : int
        Images at a time that enter the model.
    rng : seed or Generator
        For ``numpy.random.default_rng``.

    Returns
    -------
    TrainedPrediction
        D measured and predicted, their quotients and logarithms, layer by layer.

    Raises
    ------
    ImportError
        Without PyTorch.
    TypeError, ValueError
        For bad arguments, and for a model that is no such chain, naming the place.

    Warns
    -----
    UserWarning
        If the theories of wide networks will take more than about a minute, and how long: fewer
        `theory_images` take less.

    Notes
    -----
    The theories without ReLU and the boxes are exact for all images and pairs. Those of wide
    networks are exact for their images, but for comparing them in some pairs only: `error`.
    Max pooling counts as average pooling.
    Source: D of wide networks is our derivation, see `predict_wide`; the decomposition into channel
    and spatial pooling is that of Tomasini et al., arXiv:2210.01506, by theory in place of a
    permutation.

    Examples
    --------
    >>> import torch
    >>> from scaledet import ScaleDetection, predict_trained
    >>> _ = torch.manual_seed(0)
    >>> model = torch.nn.Sequential(
    ...     torch.nn.Conv1d(1, 200, 2, stride=2), torch.nn.ReLU(),
    ...     torch.nn.Conv1d(200, 200, 2, stride=2), torch.nn.ReLU(),
    ... )
    >>> images, _ = ScaleDetection(size=32, xi=8, gap=1).sample(200, rng=0)
    >>> p = predict_trained(model, images, displacement="task", rng=0)
    >>> bool((abs(p.D_coherent / p.D - 1) < 0.1).all())      # before training
    True
    >>> bool(p.D_box[1] < 0.6 * p.D[1])
    True
    """
    array = as_image_set(images)
    chain = chain_of(model, array.shape[1:])
    chosen = _chosen(chain, layers)
    permutations = validate.integer("shuffle_channels", shuffle_channels, 0)
    mean_filters = validate.flag("mean_filters", mean_filters)
    count = len(array)
    if theory_images is not None:
        count = validate.integer("theory_images", theory_images, 2, count)
    pairs = validate.integer("pairs", pairs, 1)
    generator = validate.generator(rng)
    seed = int(generator.integers(2**63))
    units = {each.unit: k for k, each in enumerate(chain.convolutions) if k in chosen}
    measured = sensitivities(
        model,
        images,
        displacement,
        layers=lambda label, _: label in units,
        shuffle_channels=permutations or False,
        batch_size=batch_size,
        rng=seed,
    )
    moved = displaced_images(array, displacement, seed).reshape(*array.shape[:2], -1)
    clean = np.asarray(array, dtype=np.float64).reshape(moved.shape)
    every = Images(clean, moved, sampled_pairs(len(array), pairs, generator))
    some = Images(clean[:count], moved[:count], sampled_pairs(count, pairs, generator))
    rows = np.array([units[label] for label in measured.layers])
    responses = _responses(chain, every, some, mean_filters)
    values = {
        name: np.array([getattr(response, name)[rows] for response in responses.values()])
        for name in ("moved", "distance", "error")
    }
    alive = np.array([response.alive[rows] for response in responses.values()])
    return TrainedPrediction(
        measured,
        tuple(chain.convolutions[k].name for k in rows),
        chain.network,
        tuple(int(k) + 1 for k in rows),
        tuple(responses),
        moved=values["moved"],
        distance=np.where(alive, values["distance"], 0.0),
        error=values["error"],
        images=count,
        pairs=len(some.pairs),
        notes=chain.remarks,
    )


def _chosen(chain: Chain, layers: Any) -> set[int]:
    """Return the numbers of the convolutions that are asked for."""
    known = [each.name for each in chain.convolutions]
    if layers is None:
        return set(range(len(known)))
    if isinstance(layers, str) or not isinstance(layers, Sequence):
        raise ArgumentTypeError(f"layers must be names of convolutions; got {shown(layers)}")
    for name in layers:
        if name not in known:
            raise ArgumentError(f"layers must be among {', '.join(known)}; got {name!r}")
    if not layers:
        raise ArgumentError("layers must name a convolution at least; got none")
    return {known.index(name) for name in layers}


def sampled_pairs(images: int, each: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return pairs of different images: all, or `each` times as many as there are images.

    Every image is in equally many.
    """
    if 2 * each >= images - 1:
        return np.array(np.triu_indices(images, 1)).T
    order = rng.permutation(images)
    shifts = rng.permutation(np.arange(1, (images - 1) // 2 + 1))[:each]
    return np.concatenate([np.stack([order, np.roll(order, shift)], axis=1) for shift in shifts])


def _responses(
    chain: Chain, every: Images, some: Images, mean_filters: bool
) -> dict[str, Response]:
    """Return what all theories say, by name."""
    independent = theory.independent(chain)
    networks = {"coherent": theory.coherent(chain)} if mean_filters else {}
    networks |= {"independent": independent, "before": theory.before(chain)}
    work = sum(theory.effort(network, some) for network in networks.values())
    announce(work, "wide networks on so many theory_images", "predict_trained")
    return {
        **{name: theory.wide(network, some) for name, network in networks.items()},
        "autocorrelation": theory.linear(independent, every),
        "linear": theory.filters_alone(chain, every),
        "box": theory.boxes(chain, every),
    }
