"""Patches of the photographs in scikit-image."""

from __future__ import annotations

import socket
import subprocess
import sys

import numpy as np
import pytest

import scaledet as sd
from scaledet.tasks import photographs as module

pytest.importorskip("skimage", reason="the extra `images` is not installed")


def test_patches_are_pieces_of_the_pictures():
    patches = sd.photographs(16, 40, shrink=8, rng=0)
    assert patches.shape == (40, 16, 16)
    assert patches.min() >= 0
    assert patches.max() <= 1
    seen = set()
    for patch in patches:
        turned = [np.rot90(kind, turns) for kind in (patch, patch.T) for turns in range(4)]
        for number, picture in enumerate(module._pictures()):
            small = module._means(picture, 8)
            windows = np.lib.stride_tricks.sliding_window_view(small, (16, 16))
            if any((windows == kind).all(axis=(2, 3)).any() for kind in turned):
                seen.add(number)
                break
        else:
            raise AssertionError("a patch is in no picture")
    assert len(seen) > 5


def test_every_picture_is_read_and_shrunk_by_means():
    pictures = module._pictures()
    assert len(pictures) == len(module.PICTURES)
    assert all(picture.ndim == 2 and 0.05 < picture.std() < 0.5 for picture in pictures)
    small = module._means(pictures[0], 7)
    assert small[3, 5] == pytest.approx(pictures[0][21:28, 35:42].mean())


def test_equal_seeds_give_equal_patches():
    first, again, other = (sd.photographs(8, 5, rng=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_nothing_is_downloaded(monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("no network")

    monkeypatch.setattr(socket, "socket", refuse)
    module._pictures.cache_clear()
    module._shrunk.cache_clear()
    assert sd.photographs(8, 3, rng=0).shape == (3, 8, 8)


def test_without_scikit_image_the_error_says_what_to_install():
    code = (
        "import sys; sys.modules['skimage'] = None\n"
        "import scaledet as sd\n"
        "try: sd.photographs()\n"
        "except ImportError as error: print(error)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "pip install 'scaledet[images]'" in run.stdout


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"size": 76}, "size must be at most 75 for shrink=4.*got 76"),
        ({"size": 2}, "size must be an integer >= 3; got 2"),
        ({"samples": 0}, "samples must be"),
        ({"shrink": 0}, "shrink must be"),
    ],
)
def test_wrong_arguments(given, words):
    with pytest.raises(sd.errors.ArgumentError, match=words):
        sd.photographs(**given)
