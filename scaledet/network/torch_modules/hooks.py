"""The last route: hooks on the parts of a module, which see what goes in and out of them.

Whatever happens between the parts is not seen. So each part must receive, unchanged, what an
earlier one returned, or a reshaping of it; else the module is refused.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from scaledet.errors import ArgumentError
from scaledet.network.torch_modules.steps import IMAGE_KEY, Program, Step, class_name, module_step

__all__ = ["by_hooks"]


def by_hooks(module: Any, images: list[Any]) -> Program:
    """Read the parts in the order of their calls, which must be the same for all images."""
    first, *others = (_Watch(module).program(image) for image in images)
    for other in others:
        if _path(other) != _path(first):
            raise ArgumentError(
                "module must take the same path for every image; got one whose path depends on "
                "what the image holds: give the module of one path"
            )
    return first


def _path(program: Program) -> list[tuple[Any, ...]]:
    return [(step.name, step.inputs, step.shape) for step in program.steps]


class _Known(NamedTuple):
    """A tensor that a part returned, and how often it had been changed in place by then."""

    key: str
    tensor: Any
    version: int


class _Watch:
    """Steps of one run, and the tensors that are known, each kept as it was returned."""

    def __init__(self, module: Any) -> None:
        self.module = module
        self.steps: list[Step] = []
        self.known: list[_Known] = []
        self.entered: list[str] = []

    def program(self, image: Any) -> Program:
        """Run the module on an image."""
        handles = []
        for name, part in self.module.named_modules():
            if not list(part.children()):
                handles.append(part.register_forward_pre_hook(self._before(name), with_kwargs=True))
                handles.append(part.register_forward_hook(self._after(name, part)))
        self._keep(IMAGE_KEY, image)
        try:
            output = self.module(image)
        finally:
            for handle in handles:
                handle.remove()
        return Program(tuple(self.steps), self._key(output, "the output"), "hooks")

    def _before(self, name: str) -> Any:
        def hook(_: Any, given: tuple[Any, ...], keywords: dict[str, Any]) -> None:
            values = [*given, *keywords.values()]
            if len(values) != 1:
                raise ArgumentError(
                    f"module must have parts that receive one tensor each; got {len(values)} "
                    f"arguments at {name!r}"
                )
            self.entered.append(self._key(values[0], f"the input of {name!r}"))

        return hook

    def _after(self, name: str, part: Any) -> Any:
        def hook(_: Any, _given: tuple[Any, ...], output: Any) -> None:
            operation, arguments = module_step(part) or (class_name(part), {})
            key = f"value {len(self.steps) + 1}"
            shape = tuple(getattr(output, "shape", ()))
            self.steps.append(Step(name, operation, key, (self.entered.pop(),), arguments, shape))
            self._keep(key, output)

        return hook

    def _keep(self, key: str, tensor: Any) -> None:
        self.known.append(_Known(key, tensor, getattr(tensor, "_version", 0)))

    def _key(self, tensor: Any, what: str) -> str:
        """Return the key of a known tensor; that of a reshaping of one is a step of its own."""
        import torch

        if not isinstance(tensor, torch.Tensor):
            raise ArgumentError(
                f"module must pass on tensors; got {type(tensor).__name__} as {what}"
            )
        key: str
        for key, known, version in reversed(self.known):
            if known is tensor and tensor._version == version:
                return key
        for key, known, version in reversed(self.known):
            same = known.data_ptr() == tensor.data_ptr() and known._version == version
            if same and torch.equal(known.flatten(), tensor.flatten()):
                new = f"value {len(self.steps) + 1}"
                shape = tuple(tensor.shape)
                self.steps.append(Step(f"before {what}", "reshape", new, (key,), {}, shape))
                self._keep(new, tensor)
                return new
        last = repr(self.steps[-1].name) if self.steps else "the start"
        raise ArgumentError(
            "module must do all it does in parts (nn.ReLU, ...) where neither torch.export nor "
            f"torch.fx can trace it; got, after {last}, as {what} a tensor that no part returned: "
            "a function, perhaps a sum or a ReLU, made it. Make it a part, or take away what "
            "cannot be traced, such as branches that depend on values"
        )
