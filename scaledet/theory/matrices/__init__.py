"""Networks that are no torus, as matrices: padding, kernels per axis or on a grid, branches.

`maps` multiplies the matrices of the layers, one factor per axis where all layers are separable;
`sites` sums over the pixels and moves of a factor, `pixel` makes the moments of one active pixel
of the factors, and `pairs` those of a task. All run in floats or in exact integers.
"""
