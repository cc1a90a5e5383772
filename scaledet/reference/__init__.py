"""Brute force, slow and exact: theory, derivations and tests are held to it."""
