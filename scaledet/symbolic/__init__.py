"""The symbolic engine: claims in SymPy, each confronted with the reference."""
