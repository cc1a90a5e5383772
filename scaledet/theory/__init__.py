"""Exact predictions at finite depth and size, and exponents at infinite depth."""
