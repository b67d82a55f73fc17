"""`trackerlite status`: what is at the remote, what is not, and why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from trackerlite.cli import NOTHING_MATCHED
from trackerlite.cli._human import ago
from trackerlite.cli._options import dir_option, json_option, verb
from trackerlite.cli._output import emit, say
from trackerlite.cli._table import Column, print_table
from trackerlite.readers import Reader

if TYPE_CHECKING:
    from trackerlite.sync.state import Standing

_STYLES = {
    "synced": "green",
    "pending": "yellow",
    "never sent": "dim",
    "running": "cyan",
    "conflict": "red",
    "failed": "red",
}
_COLUMNS = [
    Column("state", style=_STYLES.get),
    Column("run", style="cyan"),
    Column("name", shrink=12),
    Column("sent", right=True),
    Column("pending", right=True),
    Column("verified", right=True),
    Column("at", shrink=16, drop=1),
]


@verb(
    examples="""
    trackerlite status
    trackerlite status --json | jq '.runs[] | select(.state == "conflict")'
    """
)
@click.argument("runs", metavar="[RUN]...", nargs=-1)
@json_option
@dir_option
def command(runs: Sequence[str], as_json: bool, dir: str | None) -> int:
    """Say what is synced, what is pending and what failed; from the ledger, nothing is sent.

    Shows also which server and account `sync` would speak to, and where the key is from.
    """
    from trackerlite.backends import credentials
    from trackerlite.sync.state import standings

    account = credentials.find()
    with Reader.open(dir) as reader:
        chosen = [reader.run(ref) for ref in runs] if runs else reader.runs()
        found = standings(reader, chosen, account.url)
    if as_json:
        emit(
            {
                "server": account.url,
                "key_from": account.source or None,
                "runs": [standing.as_dict() for standing in found],
            }
        )
        return 0
    where = f"key from {account.source}" if account.key else "no key: run `trackerlite login`"
    say(f"{account.url} ({where})")
    if not found:
        say("No runs.")
        return NOTHING_MATCHED
    print_table(_COLUMNS, [_row(standing) for standing in found])
    for standing in found:
        if standing.error:
            say(f"{standing.run}: {standing.error}")
    return 0


def _row(standing: Standing) -> list[Any]:
    return [
        standing.state,
        standing.run,
        standing.name,
        f"{standing.sent:,}",
        f"{standing.pending:,}" if standing.pending else "",
        ago(standing.verified) if standing.verified else "",
        standing.where,
    ]
