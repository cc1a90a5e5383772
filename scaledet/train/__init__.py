"""Small networks trained on the tasks and on images: seeded, resumable, stopped by epochs.

`ring_net` builds a network, `task_data` and `image_data` the images (`Data`), a `Recipe` says how,
and `train` trains in place and returns the `Training`. PyTorch is an optional extra and imported
when first used. This wing knows no theory and measures nothing.
"""

from scaledet.train.data import Data, task_data
from scaledet.train.image_data import image_data
from scaledet.train.recipe import Recipe
from scaledet.train.result import Training
from scaledet.train.ring import ring_net
from scaledet.train.training import train

__all__ = [
    "Data",
    "Recipe",
    "Training",
    "image_data",
    "ring_net",
    "task_data",
    "train",
]
