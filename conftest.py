"""What pytest does not collect where an optional library is missing."""

from __future__ import annotations

from importlib.util import find_spec

# They need the extra `torch`, as a whole or in their examples.
_WITH_TORCH = ["scaledet/measure", "scaledet/train", "scaledet/network/from_torch.py"]
_WITH_TORCH += ["scaledet/plots/measurements.py", "docs/architectures.md", "docs/measuring.md"]
_WITH_TORCH += ["scaledet/plots/training.py", "docs/training.md"]
_WITH_TORCH += ["tests/measure/networks.py", "tests/network/torch_models.py"]
_WITH_TORCH += ["tests/experiments/test_ring.py", "tests/experiments/test_results.py"]

collect_ignore = [] if find_spec("torch") else _WITH_TORCH
