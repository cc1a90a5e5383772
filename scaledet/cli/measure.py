"""The command on models of PyTorch: ``scaledet measure``."""

from __future__ import annotations

import zipfile
from argparse import Namespace
from pathlib import Path
from typing import Any

from scaledet.cli import arguments as read
from scaledet.cli import options, records
from scaledet.cli.options import Command
from scaledet.errors import ArgumentError

_MEASURE = """\
Measure how much the layers of a trained model respond to small displacements (D) and to noise (G)
of given images, with standard errors. It needs PyTorch (pip install scaledet[torch]).

MODEL is an archive of torch.export.save (its first axis dynamic), one of TorchScript
(torch.jit.save), or package.module:function, a function without arguments that returns the model
with its weights; it is imported from here and called. A state dict alone is refused: it has no
network. Nothing is unpickled without --unpickle.

examples:
  a model that the file trained.py makes, on the images in images.npz
  $ scaledet measure trained:model --images images.npz

  shifts by one pixel, at three layers, as JSON
  $ scaledet measure trained:model --images images.npz --displacement shift --layer input \\
      --layer 0 --layer 1 --json

  what theory says of its convolutions, measured after their ReLUs
  $ scaledet measure trained:model --images images.npz --predict

  the same model with permuted channels, as a file for the commands show and plot
  $ scaledet measure trained:model --images images.npz --shuffle-channels 2 --save measured.npz"""

_HELP = options.HELP | {
    "images": "an .npz file with an array of images [n, channels, *sides], at least 10",
    "array": "name of the array in the file, if it has several",
    "displacement": "deformation of cut 3 and 1 pixel (diffeomorphism, the default), a shift by "
    "one pixel, or one step of every active pixel (task)",
    "noise": "mean square of the noise: that of all displacements (matched, the default), that of "
    "each (matched_per_image), or the standard deviation per pixel",
    "layer": "name of a module; repeat the option for more (default: all without parts)",
    "rectify": "x + relu(noise) (noise) or relu(x + noise) (input) enters, or x + noise (none, the "
    "default)",
    "shuffle-channels": "number of networks with permuted channels to measure besides",
    "convolution": "name of a module to permute; repeat the option for more (default: all of "
    "Conv1d, Conv2d and Conv3d; those of an exported model must be named)",
    "recalibrate": "measure BatchNorm's statistics again (never, the default; after permuting: "
    "shuffled; always)",
    "average-channels": "average outputs over channels first",
    "repeats": "displacements of each image (default 1)",
    "target-error": "relative error at which to stop, such as 0.05",
    "batch-size": "images at a time (default 32)",
    "predict": "predict D from the filters beside, for a chain of convolutions with ReLUs; layers "
    "are then names of convolutions",
    "theory-images": "images in the theory of wide networks, with --predict (default: all)",
    "rng": "seed of the random numbers, an integer >= 0",
    "unpickle": "load pickled objects too, which runs any code in the file",
}


def _add_measure(parser: read.Parser) -> None:
    parser.add_argument("model", metavar="MODEL", help="see above")
    images: dict[str, Any] = {"dest": "files", "required": True, "metavar": "FILE"}
    options.add(parser, "images", Path, _HELP, repeated=True, **images)
    options.add(parser, "array", str, _HELP, metavar="NAME")
    kinds = ("diffeomorphism", "shift", "task")
    options.add(parser, "displacement", texts=_HELP, choices=kinds, default=kinds[0])
    noise = read.either(read.read_real, "matched", "matched_per_image")
    options.add(parser, "noise", noise, _HELP, default="matched", metavar="matched|SIGMA")
    options.add(parser, "layer", str, _HELP, repeated=True, metavar="NAME")
    choices = ("noise", "input", "none")
    options.add(parser, "rectify", texts=_HELP, choices=choices, default="none")
    options.add(parser, "shuffle-channels", read.read_integer, _HELP, metavar="COUNT")
    options.add(parser, "convolution", str, _HELP, repeated=True, metavar="NAME")
    choices = ("never", "shuffled", "always")
    options.add(parser, "recalibrate", texts=_HELP, choices=choices, default="never")
    options.add(parser, "average-channels", texts=_HELP, action="store_true")
    options.add(parser, "repeats", read.read_integer, _HELP, default=1)
    options.add(parser, "target-error", read.read_real, _HELP)
    options.add(parser, "batch-size", read.read_integer, _HELP, default=32)
    options.add(parser, "predict", texts=_HELP, action="store_true")
    options.add(parser, "theory-images", read.read_integer, _HELP, metavar="COUNT")
    options.add(parser, "rng", read.read_seed, _HELP)
    options.add(parser, "unpickle", texts=_HELP, action="store_true")
    options.add_output(parser)


def _images(arguments: Namespace) -> Any:
    """Return the array of images in the file."""
    import numpy as np

    if len(arguments.files) > 1:
        raise ArgumentError("argument --images: must be given once")
    (path,) = arguments.files
    try:
        with np.load(path, allow_pickle=False) as stored:
            name, members = arguments.array, stored.zip.namelist()
            names = [array for array in stored.files if f"{array}.npy" in members]
            if not names:
                raise ValueError("it holds no array")
            if name is None and len(names) == 1:
                (name,) = names
            if name not in names:
                listed = ", ".join(names)
                raise ArgumentError(f"argument --array: must be one of {listed}; got {name!r}")
            return stored[name]
    except OSError as error:
        reason = error.strerror or error
        raise ArgumentError(f"argument --images: cannot read {str(path)!r}: {reason}") from error
    except ArgumentError:
        raise
    except (ValueError, zipfile.BadZipFile, AttributeError, TypeError, EOFError) as error:
        raise ArgumentError(
            f"argument --images: must be an .npz file of arrays of numbers; {str(path)!r} is none "
            f"({error})"
        ) from error


def _measure(arguments: Namespace) -> tuple[str, int]:
    from scaledet.measure import load_model, sensitivities

    images = _images(arguments)
    try:
        model = load_model(arguments.model, unpickle=arguments.unpickle)
    except ImportError as error:
        raise ArgumentError(str(error)) from error
    if arguments.predict:
        return records.report(arguments, _predicted(arguments, model, images)), 0
    if arguments.theory_images is not None:
        raise ArgumentError("argument --theory-images: must be left out without --predict")
    names = ["displacement", "noise", "recalibrate", "average_channels", "repeats"]
    names += ["target_error", "batch_size", "rng"]
    given = {name: getattr(arguments, name) for name in names}
    permutations = arguments.shuffle_channels
    result = sensitivities(
        model,
        images,
        layers=arguments.layer,
        rectify=options.rectify_of(arguments),
        convolutions=arguments.convolution,
        shuffle_channels=False if permutations is None else permutations,
        **given,
    )
    return records.report(arguments, result), 0


_MEASURED: dict[str, Any] = {
    "noise": "matched",
    "rectify": "none",
    "convolution": None,
    "recalibrate": "never",
    "average_channels": False,
    "repeats": 1,
    "target_error": None,
}
"""What options without a meaning for a prediction are where they are left out."""


def _predicted(arguments: Namespace, model: Any, images: Any) -> Any:
    from scaledet.analysis.trained import predict_trained

    for name, usual in _MEASURED.items():
        if getattr(arguments, name) != usual:
            option = name.replace("_", "-")
            raise ArgumentError(f"argument --{option}: must be left out with --predict")
    return predict_trained(
        model,
        images,
        displacement=arguments.displacement,
        layers=arguments.layer,
        shuffle_channels=arguments.shuffle_channels or 0,
        theory_images=arguments.theory_images,
        batch_size=arguments.batch_size,
        rng=arguments.rng,
    )


COMMANDS: tuple[Command, ...] = (
    Command("measure", "sensitivities of a PyTorch model", _MEASURE, _add_measure, _measure),
)
