"""Responses to clean and displaced images: D_k and Q_k."""
