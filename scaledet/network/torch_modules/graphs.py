"""Two routes that read a module as a graph: torch.export first, torch.fx second."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr
from typing import Any

from scaledet.errors import ArgumentError
from scaledet.network.torch_modules.steps import (
    IMAGE_KEY,
    Program,
    Step,
    arguments_of,
    class_name,
    module_step,
    operation,
)

__all__ = ["by_export", "by_fx"]

_OF_SHAPES = ("getattr", "size", "dim", "numel", "len", "ndimension")
"""Operations that take numbers from the shape of a tensor, not from what it holds."""


def by_export(module: Any, images: list[Any]) -> Program:
    """Read the graph of ``torch.export``: operations of ATen, nothing is executed."""
    import torch
    from torch.fx.node import map_arg

    with _silence():
        exported = torch.export.export(module, (images[0],), strict=False)
    signature = exported.graph_signature
    held = {
        **signature.inputs_to_parameters,
        **signature.inputs_to_buffers,
        **signature.inputs_to_lifted_tensor_constants,
    }
    state = {**exported.constants, **exported.state_dict}
    values = {
        node: state[held[node.name]] if node.name in held else node.meta.get("val")
        for node in exported.graph.nodes
    }
    moving = {node for node in exported.graph.nodes if node.name == signature.user_inputs[0]}
    for node in exported.graph.nodes:
        if moving.intersection(node.all_input_nodes):
            moving.add(node)
        elif node.op == "call_function":  # Weights that are computed, as by weight_norm.
            given = map_arg((node.args, node.kwargs), values.get)
            values[node] = node.target(*given[0], **given[1])
    return _program("export", exported.graph, signature.user_inputs[0], values, {})


@contextmanager
def _silence() -> Iterator[None]:
    """Keep from the user's stderr what ``torch.export`` writes there before it fails."""
    level = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with redirect_stderr(io.StringIO()):
            yield
    finally:
        logging.disable(level)


def by_fx(module: Any, images: list[Any]) -> Program:
    """Read the graph of ``torch.fx.symbolic_trace``, run once to know all shapes."""
    import torch

    traced = torch.fx.symbolic_trace(module)
    run = torch.fx.Interpreter(traced, garbage_collect_values=False)
    run.run(images[0])
    image = next(node.name for node in traced.graph.nodes if node.op == "placeholder")
    return _program("fx", traced.graph, image, run.env, dict(traced.named_modules()))


def _program(
    route: str, graph: Any, image: str, values: Mapping[Any, Any], modules: Mapping[str, Any]
) -> Program:
    """Return the steps of a graph whose nodes have these values.

    A node that depends on no content of the image stands for its value.
    """
    keys: dict[Any, str] = {}
    steps: list[Step] = []
    for node in graph.nodes:
        if node.op == "output":
            return Program(tuple(steps), _returned(node, keys), route)
        if node.op == "placeholder" and node.name == image:
            keys[node] = IMAGE_KEY
        elif any(source in keys for source in node.all_input_nodes):
            step = _step(node, keys, values, modules)
            tensor = hasattr(values.get(node), "shape")
            if not tensor and (step.operation in _OF_SHAPES or "assert" in step.operation):
                continue
            keys[node] = node.name
            steps.append(step)
    raise ArgumentError("module must return a tensor; got a graph without output")


def _step(
    node: Any, keys: Mapping[Any, str], values: Mapping[Any, Any], modules: Mapping[str, Any]
) -> Step:
    """Return the step of a node; of its arguments, those that depend on the image become None."""
    from torch.fx.node import map_arg

    sources = tuple(keys[source] for source in node.all_input_nodes if source in keys)
    shape = tuple(getattr(values.get(node), "shape", ()))
    if node.op == "call_module":
        part = modules[node.target]
        name, arguments = module_step(part) or (class_name(part), {})
        return Step(node.target, name, node.name, sources, arguments, shape)
    schema = getattr(node.target, "_schema", None)
    written = node.target if schema is None else schema.name.partition("::")[2]
    if not isinstance(written, str):
        written = getattr(written, "__name__", str(written))
    name = operation(written)
    given = arguments_of(name, node.args, node.kwargs)
    held = {
        key: map_arg(value, lambda n: values.get(n) if n not in keys else None)
        for key, value in given.items()
    }
    stack = list((node.meta.get("nn_module_stack") or {}).values())
    path, kind = stack[-1] if stack else ("", "")
    kind = kind if isinstance(kind, str) else f"{kind.__module__}.{kind.__qualname__}"
    whole = path and kind.startswith("torch.nn.modules")
    place = path if whole else f"{path}.{node.name}".strip(".")
    in_place = written.endswith("_") and not written.endswith("__")
    return Step(place, name, node.name, sources, held, shape, in_place)


def _returned(node: Any, keys: Mapping[Any, str]) -> str:
    """Return the key of the one tensor that a graph returns."""
    whole = node.args[0]
    if isinstance(whole, tuple | list) and len(whole) == 1:
        (whole,) = whole
    if isinstance(whole, tuple | list | dict) or whole not in keys:
        raise ArgumentError(
            "module must return one tensor that depends on the image; got "
            f"{len(node.all_input_nodes)} tensors: wrap it in a module that returns one of them"
        )
    return keys[whole]
