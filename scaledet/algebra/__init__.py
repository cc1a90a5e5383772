"""Exact algebraic numbers: python-flint computes them, SymPy prints them."""
