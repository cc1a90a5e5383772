"""Compiled code: `engine` sends the images of units through the network.

`unit_streams` seeds their random numbers and draws them, `gaussian_stream` their noise. `windows`
pools clean and displaced images, with `overlaps` where windows of one image meet, `noisy_images`
the noisy ones, with `lines` for one line at a time, and `whole_images` all three where the images
carry noise themselves; `compilation` says how all of them are compiled.
"""
