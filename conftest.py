"""What pytest does not collect where an optional library is missing."""

from __future__ import annotations

from importlib.util import find_spec

# They need the extra `torch`: the one in its examples, the other as a whole.
_WITH_TORCH = ["scaledet/network/from_torch.py", "tests/network/torch_models.py"]

collect_ignore = [] if find_spec("torch") else _WITH_TORCH
