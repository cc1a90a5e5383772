"""Autocorrelation c_k of the composite filter: exact, in floats, and by its recurrence."""
