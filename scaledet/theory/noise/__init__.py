"""What the noise contributes: the mean and the variance of its response."""
