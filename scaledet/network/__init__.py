"""Kernels, layers and networks, and the one definition of pooling."""
