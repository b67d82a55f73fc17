"""What a training script holds: a run, its config and summary, and how it begins and ends."""
