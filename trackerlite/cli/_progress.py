"""Progress of a sync, on stderr: a bar for people, nothing for pipes."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from trackerlite.cli._output import coloured, say
from trackerlite.text import plain

Notice = Callable[[str], None]
Told = Callable[[str, str, int, int], None]


@contextmanager
def shown(runs: int) -> Iterator[tuple[Notice, Told]]:
    """(notice, progress) for a `Syncer`: a live bar where stderr is a terminal."""
    if not sys.stderr.isatty() or not coloured(sys.stderr):
        yield say, lambda *_: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    lock = threading.Lock()
    ended: set[str] = set()
    with Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
    ) as progress:
        everything = progress.add_task("runs", total=runs)

        def notice(text: str) -> None:
            progress.console.print(plain(text), markup=False, highlight=False)

        def told(run: str, stage: str, rows: int, _: int) -> None:
            with lock:
                if stage in ("reading", "sending", "checking"):
                    what = f"{stage} {plain(run, 40)}" + (f", {rows:,} rows" if rows else "")
                    progress.update(everything, description=what)
                elif run not in ended:
                    ended.add(run)
                    progress.advance(everything)

        yield notice, told
