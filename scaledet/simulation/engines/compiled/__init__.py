"""Compiled code: `engine` sends the images of a unit through the network.

`gaussian_stream` draws their noise, `windows` pools clean and displaced images, `noisy_images` the
noisy ones, with `lines` for one line at a time; `compilation` says how all of them are compiled.
"""
