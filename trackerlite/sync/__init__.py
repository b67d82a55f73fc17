"""Exactly-once, verified replay."""
