"""`trackerlite logout`: forget a W&B key."""

from __future__ import annotations

import os

import click

from trackerlite.cli import NOTHING_MATCHED
from trackerlite.cli._options import dir_option, verb
from trackerlite.cli._output import say


@verb(
    examples="""
    trackerlite logout
    trackerlite logout --host https://wandb.example.com
    """
)
@click.option("--host", metavar="URL", help="The server. Default: $WANDB_BASE_URL or api.wandb.ai.")
@dir_option
def command(host: str | None, dir: str | None) -> int:  # noqa: ARG001 - taken everywhere
    """Remove the key for a server from the keyring and the netrc file; other entries stay."""
    from trackerlite.backends import credentials

    url = (host or credentials.base_url()).rstrip("/")
    gone = credentials.forget(url)
    if os.environ.get("WANDB_API_KEY"):
        say("WANDB_API_KEY is still set in this shell; `unset WANDB_API_KEY` removes it.")
    if not gone:
        say(f"There was no stored key for {url}.")
        return NOTHING_MATCHED
    say(f"The key for {url} was removed from {' and '.join(gone)}.")
    return 0
