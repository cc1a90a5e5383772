"""Growth at infinite depth: transition operator, exponents, smoothness, amplitudes."""
