"""Small networks trained on the tasks and on images: seeded, resumable, stopped by epochs.

`ring_net` builds a network for the tasks, `architectures` has small ones for images; `task_data`
and `image_data` give the images (`Data`), a `Recipe` says how, and `train` trains in place and
returns the `Training`; `units` names the layers at which sensitivities are quoted. PyTorch is an
optional extra and imported when first used. This wing knows no theory and measures nothing.
"""

from scaledet.train.architectures import all_conv, calibrate, lenet, resnet, vgg
from scaledet.train.data import Data, task_data
from scaledet.train.image_data import image_data
from scaledet.train.recipe import Recipe
from scaledet.train.result import Training
from scaledet.train.ring import ring_net
from scaledet.train.training import train
from scaledet.train.units import convolutions, units

__all__ = [
    "Data",
    "Recipe",
    "Training",
    "all_conv",
    "calibrate",
    "convolutions",
    "image_data",
    "lenet",
    "resnet",
    "ring_net",
    "task_data",
    "train",
    "units",
    "vgg",
]
