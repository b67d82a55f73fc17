"""`trackerlite login`: check a W&B key with the server and keep it where W&B keeps it."""

from __future__ import annotations

import os
import sys

import click

from trackerlite.cli import FAILED
from trackerlite.cli._options import dir_option, verb
from trackerlite.cli._output import say
from trackerlite.errors import BadInput


@verb(
    examples="""
    trackerlite login
    trackerlite login --host https://wandb.example.com
    pass wandb-key | trackerlite login
    """
)
@click.option("--host", metavar="URL", help="The server. Default: $WANDB_BASE_URL or api.wandb.ai.")
@click.option("--no-keyring", is_flag=True, help="Use the netrc file even if a keyring is there.")
@dir_option
def command(host: str | None, no_keyring: bool, dir: str | None) -> int:  # noqa: ARG001 - it is taken everywhere
    """Log in to Weights & Biases.

    The key is asked for, or read from a pipe; never from the command line, which other users can
    see. It is checked with the server, then kept in the keyring or the netrc file (mode 0600).
    """
    from trackerlite.backends import credentials
    from trackerlite.backends.errors import RemoteError
    from trackerlite.backends.wandb_http import WandbHttp
    from trackerlite.backends.wandb_remote import viewer

    url = (host or credentials.base_url()).rstrip("/")
    if not url.startswith(("http://", "https://")):
        raise BadInput(f"--host {url!r} is no address; it looks like https://wandb.example.com.")
    if os.environ.get("WANDB_API_KEY"):
        say("WANDB_API_KEY is set and goes before a stored key.")
    if sys.stdin.isatty():
        where = url.replace("//api.wandb.ai", "//wandb.ai")
        say(f"Find your key at {where}/authorize. It is not shown while you paste it.")
        key = click.prompt("API key", hide_input=True, err=True)
    else:
        key = sys.stdin.readline()
    key = key.strip()
    credentials.check(key)
    try:
        who = viewer(WandbHttp(url, key, patience=5.0))
    except RemoteError as error:
        say(f"{error} Nothing was stored.")
        return FAILED
    if who is None:
        say(f"{url} does not know that key. Nothing was stored.")
        return FAILED
    place = credentials.store(url, key, use_keyring=not no_keyring)
    say(f"Logged in to {url} as {who.username} (team {who.entity}); the key is kept in {place}.")
    return 0
