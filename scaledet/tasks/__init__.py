"""Data sets with exact laws: scale detection, its pairs, moves and images."""
