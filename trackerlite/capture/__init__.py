"""What a run records without being asked."""
