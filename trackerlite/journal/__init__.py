"""The journal: a TensorBoard event file that is the write-ahead log of a run."""
