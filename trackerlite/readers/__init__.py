"""The readers: the only door to the store."""
