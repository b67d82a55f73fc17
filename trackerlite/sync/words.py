"""Why a run did not arrive, in words that say what to do."""

from __future__ import annotations

from collections.abc import Sequence

from trackerlite.backends.errors import SAFE, for_status
from trackerlite.sync.upload import Uploaded
from trackerlite.sync.uploader_log import Problem
from trackerlite.text import plain


def failure_words(
    problems: Sequence[str],
    troubles: Sequence[Problem],
    result: Uploaded | None,
    host: str,
    ref: str,
) -> str:
    """One text: what reading back found, and the reason if the uploader's log knows it."""
    found = "; ".join(plain(p, 400) for p in problems[:3])
    for trouble in troubles:
        if trouble.status:
            return f"Not synced: {found}. {for_status(trouble.status, host, trouble.text)}"
    for trouble in troubles:
        return f"Not synced: {found}. The uploader says: {plain(trouble.text, 200)!r}. {SAFE}"
    if result is not None and result.gave_up:
        return (
            f"Not synced: {found}. {host} kept failing or hanging, so the upload was stopped. {SAFE} "
            "Sync again later; what has arrived is not sent again."
        )
    if result is not None and result.code not in (0, None):
        last = next((x for x in reversed(result.said.splitlines()) if x.strip()), "")
        return f"Not synced: {found}. wandb's uploader ended with {result.code}: {plain(last, 200)}. {SAFE}"
    return (
        f"Not synced: {found}, although the server said yes to everything. {SAFE} Sync again; if it stays so, "
        f"`trackerlite sync --new-run {ref}` uploads the run whole under a new id."
    )


def advice(reason: str, ref: str) -> str:
    """Why nothing was sent, and the way out."""
    return (
        f"{reason}. Nothing was sent, nothing is lost. `trackerlite sync --new-run {ref}` uploads the "
        "run whole under a new id; delete the other at the server if it is not wanted."
    )
