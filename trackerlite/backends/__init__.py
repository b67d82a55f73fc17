"""One contract for every remote, and an adapter for each."""
