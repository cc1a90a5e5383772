"""Compiled code; `engine` sends the images of a unit through the network."""
