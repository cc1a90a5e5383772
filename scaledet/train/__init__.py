"""Small networks that learn: architectures, data, and training by epochs, seeded.

`architectures` builds small nets for images; `units` names the layers at which sensitivities are
quoted. PyTorch is an optional extra and imported when first used.
"""

from scaledet.train.architectures import all_conv, calibrate, lenet, resnet, vgg
from scaledet.train.units import convolutions, units

__all__ = ["all_conv", "calibrate", "convolutions", "lenet", "resnet", "units", "vgg"]
