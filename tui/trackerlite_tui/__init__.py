"""The terminal UI of trackerlite."""
