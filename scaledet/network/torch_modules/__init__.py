"""The spatial skeleton of a PyTorch module: three routes read steps, one builder makes a network.

PyTorch is imported inside functions only; `pytorch` does that, and runs modules, for `measure` too.
"""
