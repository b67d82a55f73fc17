"""The store: SQLite, a projection of the journals that can always be rebuilt."""
