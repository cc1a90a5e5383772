"""Numbers against numbers: predictions with simulations, power laws with points."""
