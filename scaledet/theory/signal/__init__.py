"""What clean and displaced images contribute: D_k and Q_k."""
