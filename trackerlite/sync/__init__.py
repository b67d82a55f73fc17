"""Replays runs to Weights & Biases: each row once, with its own time, verified by reading back.

`engine` reconciles and sends; `plan` decides; `write`, `records` and `segment` make what
wandb's uploader reads; `upload` runs it; `verify` reads back; `live` follows running runs. The
ledger is `store.ledger`. All that is private to the wandb package is in `proto`.
"""
