"""Responses to noise: the parts of G_k due to its mean and its variance."""
