"""The terminal UI's curves."""
