"""Sensitivities and filters of any PyTorch module, measured: an instrument that knows no theory.

`sensitivities` sends images, displaced images and noisy images through a model and compares what
its layers make of them (`probe` listens to the layers, `stimuli` makes the images, `responses` adds
up the squared distances, `shuffling` permutes channels). `filter_spectrum` reads the weights of
convolutions, `chain` those of a model one after another, as they act, with what pools before them
(`joining`), for theories to be held against the model. `load_model` reads models from files.
PyTorch is an optional extra and imported when first used.
"""

from scaledet.measure.filter_spectrum import FilterSpectrum, filter_spectrum
from scaledet.measure.loading import load_model
from scaledet.measure.measurement import Measurement
from scaledet.measure.sensitivities import sensitivities

__all__ = ["FilterSpectrum", "Measurement", "filter_spectrum", "load_model", "sensitivities"]
