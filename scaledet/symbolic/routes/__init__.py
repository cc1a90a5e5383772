"""Routes: which reference confronts which claim."""
