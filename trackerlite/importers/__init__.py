"""Foreign logs, turned into journals."""
