"""The law of a unit, carried from layer to layer through any biases."""
