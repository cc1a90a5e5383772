"""Placeholder, replaced by the compiled engine."""

from scaledet.numpy_engine import bytes_needed, most_images, run

__all__ = ["bytes_needed", "most_images", "run"]
