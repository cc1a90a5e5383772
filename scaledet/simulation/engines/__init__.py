"""The engines that run one work unit: plain arrays to be read, and compiled code."""
