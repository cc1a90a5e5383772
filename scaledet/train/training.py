"""Training a network by a recipe: in place, reproducible, and leaving all else as it was."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from scaledet import validate
from scaledet.errors import ArgumentTypeError
from scaledet.isolation import usual_floats
from scaledet.network.torch_modules.pytorch import require_torch
from scaledet.rationals import shown
from scaledet.results import files
from scaledet.train.checkpoint import KIND, Checkpoint, described
from scaledet.train.data import Data
from scaledet.train.recipe import Recipe
from scaledet.train.refusals import require_trainable
from scaledet.train.result import Training
from scaledet.train.session import Session

if TYPE_CHECKING:
    from torch import nn

__all__ = ["train"]


@usual_floats
def train(
    model: nn.Module,
    data: Data,
    recipe: Recipe,
    *,
    checkpoint: str | os.PathLike[str] | None = None,
    progress: bool = False,
    threads: int = 1,
    rng: Any = None,
) -> Training:
    r"""Train a network in place.

    Equal arguments give the same weights bit for bit, on the same machine with the same PyTorch.

    Parameters
    ----------
    model : torch.nn.Module
        Maps images to [n, 1] or [n] for the hinge loss, to [n, classes] for cross entropy. If
        images have two sides, its weights are laid out with the channels last, which is faster.
    data : Data
        From `task_data`, `image_data`, or arrays.
    recipe : Recipe
        How.
    checkpoint : str or path, optional
        File from which the same call goes on if this one is cut short, by whatever: it gives the
        result that it would have given at once. It is written after some of the epochs, complete
        or not at all. Its weights take the place of those of `model`; without `rng` its random
        numbers are used. The file of another call is refused, with what differs.
    progress : bool
        Whether stderr shows the epochs, loss, errors and the time left.
    threads : int
        Threads of PyTorch; small networks are fastest with one.
    rng : seed or Generator
        For ``numpy.random.default_rng``: order of the images, noise, and what the network itself
        draws in training.

    Returns
    -------
    Training
        Its history and errors.

    Raises
    ------
    ImportError
        Without PyTorch (``pip install scaledet[torch]``).
    TypeError, ValueError
        For bad arguments; if the loss is not finite any more; and for what cannot be learnt: a
        network whose output is the same for images shifted by less than a block (circular, of
        small stride, with global pooling) cannot tell the labels of "T2".

    Notes
    -----
    Everything random in an epoch comes from a stream of its own. Mode, number of threads and
    PyTorch's random state are left as they were.

    Examples
    --------
    >>> import scaledet as sd
    >>> task = sd.ScaleDetection(size=16, xi=4, variant="T2")
    >>> data = sd.train.task_data(task, train=24, validation=8, test=8, rng=0)
    >>> model = sd.train.ring_net(layers=3, channels=16, rng=0)
    >>> recipe = sd.train.Recipe(
    ...     learning_rate=0.48, batch_size=8, epochs=200, stop_at_zero_loss=True)
    >>> float(sd.train.train(model, data, recipe, rng=0).train_error[-1])
    0.0
    """
    require_torch("scaledet.train")
    if not isinstance(data, Data):
        raise ArgumentTypeError(f"data must be a scaledet.train.Data; got {shown(data)}")
    if not isinstance(recipe, Recipe):
        raise ArgumentTypeError(f"recipe must be a scaledet.train.Recipe; got {shown(recipe)}")
    progress = validate.flag("progress", progress)
    threads = validate.integer("threads", threads, 1)
    entropy = validate.generator(rng).integers(0, 2**32, 4).tolist()
    target = None if checkpoint is None else files.destination("checkpoint", checkpoint, KIND)
    with _surroundings(model, threads):
        require_trainable(model, data, recipe)
        call = described(model, data, recipe, threads) | {"rng": entropy}
        kept = None if target is None else Checkpoint(target, call)
        stored = None if kept is None else kept.stored(adopt=rng is None)
        session = Session(model, data, recipe, call["rng"])
        if stored is not None:
            session.restore(stored)
        with _bar(session, progress) as bar:
            while session.epochs < session.last_epoch:
                session.run_epoch()
                if kept is not None:
                    kept.keep(session.state(), now=session.epochs >= session.last_epoch)
                bar()
        return session.training()


@contextmanager
def _surroundings(model: Any, threads: int) -> Iterator[None]:
    """Compute gradients with this many threads; put back mode, threads and random numbers."""
    import torch

    before = torch.get_num_threads()
    parts: list[Any] = list(getattr(model, "modules", list)())  # What is no model is refused later.
    modes = [(module, module.training) for module in parts]
    with torch.random.fork_rng(), torch.enable_grad():
        try:
            torch.set_num_threads(threads)
            yield
        finally:
            torch.set_num_threads(before)
            for module, mode in modes:
                module.training = mode


@contextmanager
def _bar(session: Session, shown: bool) -> Iterator[Callable[[], None]]:
    """Show on stderr how far a session is: call the function after every epoch."""
    from tqdm import tqdm

    with tqdm(
        total=session.last_epoch, initial=session.epochs, unit="epoch", disable=not shown
    ) as bar:

        def noted() -> None:
            latest = {name: values[-1] for name, values in session.history.items() if values}
            latest.pop("learning_rate")
            texts = {
                name.replace("_", " "): f"{value:.3g}" if name == "loss" else f"{100 * value:.2g}%"
                for name, value in latest.items()
            }
            bar.total = session.last_epoch
            bar.set_postfix(texts, refresh=False)
            bar.update()

        yield noted
