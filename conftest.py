"""What pytest does not collect where an optional library is missing."""

from __future__ import annotations

from importlib.util import find_spec

# They need the extra `torch`: the second as a whole, the others in their examples.
_WITH_TORCH = ["scaledet/network/from_torch.py", "tests/network/torch_models.py"]
_WITH_TORCH += ["docs/architectures.md", "docs/measuring.md"]

collect_ignore = [] if find_spec("torch") else _WITH_TORCH
