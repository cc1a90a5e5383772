"""Monte Carlo of real images. It knows no theory, and no theory knows it."""
