"""Steps of derivations, one fact each."""
