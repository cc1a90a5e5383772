"""Listening to the layers of a model while it runs."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Any

from scaledet.errors import ArgumentError, ArgumentTypeError
from scaledet.network.torch_modules.pytorch import require_torch
from scaledet.rationals import shown
from scaledet.results.tables import shortened

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["INPUT", "OUTPUT", "Layers", "Probe", "as_module"]

INPUT, OUTPUT = "input", "output"
"""Names of what enters a model and of what it returns."""

Layers = Sequence[str] | Callable[[str, Any], bool] | None
"""Names, a predicate of name and module, or None: all modules without parts."""

Receive = Callable[[str, "Tensor"], None]
_NAMED = 12


def as_module(model: Any) -> nn.Module:
    """Return the module that is measured: of a compiled one the original, of an export its parts.

    A state dict holds weights without a network; a BatchNorm without running statistics makes an
    image's outputs depend on the others of its batch. Both are refused.
    """
    require_torch("scaledet.measure")
    import torch

    if isinstance(model, Mapping):
        raise ArgumentTypeError(
            "model must be a torch.nn.Module; got a state dict, which holds weights but not the "
            "network: build the module and call load_state_dict"
        )
    if isinstance(model, torch.export.ExportedProgram):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # which PyTorch gives about itself
            model = torch.export.unflatten(model)
    model = getattr(model, "_orig_mod", model)
    if not isinstance(model, torch.nn.Module):
        raise ArgumentTypeError(f"model must be a torch.nn.Module; got {shown(model)}")
    kind = torch.nn.modules.batchnorm._BatchNorm
    for name, module in model.named_modules():
        if isinstance(module, kind) and module.running_mean is None:
            raise ArgumentError(
                "model must treat every image by itself; the BatchNorm "
                f"{name!r} has no running statistics and mixes the images of a batch"
            )
    return model


class Probe:
    """A model whose layers are listened to: every output is handed over when it is made.

    A layer is a module; its k-th call within a run is named ``name#k`` from the second on. The
    output of a module is seen before anything later changes it in place. The layers of TorchScript
    are operators, since its modules cannot be listened to.
    """

    def __init__(self, model: nn.Module) -> None:
        import torch

        self.model = model
        self.scripted = isinstance(model, torch.jit.ScriptModule)
        self.modules: dict[str, nn.Module] = {}
        self.aliases: dict[str, str] = {}
        names: dict[int, str] = {}
        for name, module in model.named_modules(remove_duplicate=False):
            if not name or self.scripted or isinstance(module, torch.jit.ScriptModule):
                continue
            if id(module) in names:
                self.aliases[name] = names[id(module)]
            else:
                names[id(module)] = name
                self.modules[name] = module

    def run(self, rows: Tensor, receive: Receive, layers: Collection[str]) -> None:
        """Send `rows` through the model; hand over the outputs of `layers`."""
        seen = set()

        def arrived(label: str, output: Any) -> None:
            if label in layers:
                tensor = _first_tensor(output, len(rows))
                if tensor is None:
                    raise ArgumentError(
                        f"layers must return a row for each of the {len(rows)} that enter; "
                        f"{label!r} does not"
                    )
                seen.add(label)
                receive(label, tensor)

        self._listen(rows, arrived)
        for label in layers:
            if label not in seen:
                raise ArgumentError(f"layers must be called for all images; {label!r} is not")

    def _listen(self, rows: Tensor, arrived: Callable[[str, Any], None]) -> None:
        """Send `rows` through the model; report every output by its label, in the order of time."""
        calls: Counter[str] = Counter()

        def counted(name: str, output: Any) -> None:
            calls[name] += 1
            arrived(name if calls[name] == 1 else f"{name}#{calls[name]}", output)

        def heard(name: str, _module: Any, _inputs: Any, output: Any) -> None:
            counted(name, output)

        if INPUT not in self.modules:
            counted(INPUT, rows)
        with ExitStack() as stack:
            if self.scripted:
                stack.enter_context(_operators(counted))
            for name, module in self.modules.items():
                handle = module.register_forward_hook(partial(heard, name))
                stack.callback(handle.remove)
            output = self.model(rows)
        if OUTPUT not in self.modules:
            counted(OUTPUT, output)

    def choose(self, rows: Tensor, layers: Layers) -> tuple[list[str], list[str]]:
        """Return the labels of the layers asked for, in that order; run the model once.

        Also return those of modules without parts that have no row for every image, where nobody
        asked for layers by name.
        """
        called: dict[str, bool] = {}
        last: Any = None
        repeated = False

        def arrived(label: str, output: Any) -> None:
            nonlocal last, repeated
            tensor = _first_tensor(output, len(rows))
            called[label] = tensor is not None
            if label == OUTPUT:
                repeated = tensor is last
            elif self._is_leaf(label):
                last = tensor

        try:
            self._listen(rows, arrived)
        except Exception as error:  # A model that is not ours raises errors of any type.
            hint = ""
            if "Interpreter" in "".join(type(module).__name__ for module in self.model.modules()):
                hint = "; an exported model needs a dynamic first axis (torch.export.Dim.DYNAMIC)"
            raise ArgumentError(
                f"model must take images of shape {list(rows.shape)}; it raised "
                f"{type(error).__name__}: {str(error).strip()[:500]}{hint}"
            ) from error
        if layers is None:
            chosen = [at for at in called if self._is_leaf(at) and not (repeated and at == OUTPUT)]
        elif callable(layers):
            chosen = [label for label in called if layers(label, self._module(label))]
        elif isinstance(layers, str) or not isinstance(layers, Sequence):
            raise ArgumentTypeError(f"layers must be names or a predicate; got {shown(layers)}")
        else:
            named = [label for name in layers for label in self._called(name, called)]
            if not named or len(set(named)) < len(named):
                raise ArgumentError(f"layers must be different names, at least one; got {layers!r}")
            return named, []
        if not any(called[label] for label in chosen):
            raise ArgumentError("layers must choose a layer with a row for every image; none is")
        parts = [[label for label in chosen if called[label] is rowed] for rowed in (True, False)]
        return parts[0], parts[1]

    def _module(self, label: str) -> nn.Module | None:
        return self.modules.get(label.partition("#")[0])

    def _is_leaf(self, label: str) -> bool:
        module = self._module(label)
        return module is None or next(module.children(), None) is None

    def _called(self, name: Any, called: Mapping[str, bool]) -> list[str]:
        """Return the calls of the layer of this name, refused if there is none."""
        label = self.aliases.get(name, name) if isinstance(name, str) else name
        calls = [at for at in called if label in (at, at.partition("#")[0])]
        if not calls and label not in self.modules:
            known = ", ".join(map(repr, shortened(list(called), _NAMED)))
            raise ArgumentError(f"layers must be among {known}; got {name!r}")
        if not calls or not all(called[call] for call in calls):
            raise ArgumentError(
                "layers must be called by the model and return a tensor whose first axis is that "
                f"of the images; {name!r} does not"
            )
        return calls


def _first_tensor(output: Any, rows: int) -> Tensor | None:
    """Return the first tensor with a row for every image in an output, a tuple or a mapping."""
    import torch

    if isinstance(output, torch.Tensor):
        return output if output.ndim and len(output) == rows else None
    if isinstance(output, Mapping):
        output = output.values()
    elif not isinstance(output, list | tuple):
        return None
    parts = (_first_tensor(part, rows) for part in output)
    return next((part for part in parts if part is not None), None)


def _operators(arrived: Callable[[str, Any], None]) -> Any:
    """Return a context in which every operator that computes tensors reports its result."""
    from torch.utils._python_dispatch import TorchDispatchMode

    mode: Any = TorchDispatchMode

    class Listening(mode):  # type: ignore[misc]  # PyTorch types it in part only
        def __torch_dispatch__(
            self, operator: Any, _types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            result = operator(*args, **(kwargs or {}))
            if not operator.is_view:
                arrived(operator.__name__.partition(".")[0], result)
            return result

    return Listening()
