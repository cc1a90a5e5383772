"""The compiled engine: noise is drawn, pooled and compared while it is in cache."""
