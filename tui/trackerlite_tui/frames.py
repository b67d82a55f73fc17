"""A picture of every screen: `python -m trackerlite_tui.frames FOLDER [--dir STORE]`.

`examples/pictures/make.py` makes the README's with it.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from pathlib import Path

from trackerlite.paths import store_dir
from trackerlite.readers import Reader
from trackerlite_tui.curves.picture import png
from trackerlite_tui.look import look
from trackerlite_tui.once import Still
from trackerlite_tui.state import State


@dataclass(frozen=True)
class Frame:
    """A picture: its file's name, the screen, the project whose runs are listed, the keys pressed."""

    name: str
    screen: str
    keys: tuple[str, ...] = ()
    metric: str = ""  # what the screen's own filter says
    project: str = ""


_SMOOTH = ("s",) * 3
FRAMES = (
    Frame("runs", "runs"),
    Frame("charts", "charts", _SMOOTH, project="demo"),
    Frame("inspect", "charts", (*_SMOOTH, "z", "i", "H", "H", "m", "H", "H", "H", "m"), "val/loss", "demo"),
    Frame("compare", "compare", ("ctrl+d",), project="spirals"),
    Frame("logs", "logs"),
    Frame("system", "system"),
    Frame("picture", "media", (), "regions", "spirals"),
    Frame("matrix", "media", (), "confusion", "spirals"),
    Frame("histogram", "media", (), "weights", "spirals"),
    Frame("sync", "sync"),
    Frame("help", "charts", ("question_mark",)),
)  # fmt: skip


def frames(folder: Path, store: str, size: tuple[int, int], theme: str) -> list[Path]:
    """Write a PNG for each of FRAMES; a project that the store has not is all projects."""
    folder.mkdir(parents=True, exist_ok=True)
    environment = {"LANG": "C.UTF-8", "TERM": "xterm-256color"}
    with Reader.open(store) as reader:
        projects = {run.project for run in reader.runs()}
    made = []
    for frame in FRAMES:
        only = f"project:{frame.project}" if frame.project in projects else ""
        state = State(screen=frame.screen, filter=only, metric_filter=frame.metric)
        still = Still(lambda: Reader.open(store), state, *size, look(theme, environment))
        still.settle()
        still.key(*frame.keys)
        still.desk.notify("")  # the keys, not what the last one did
        still.desk.snapshot = replace(still.desk.snapshot, store="~/experiments")
        path = folder / f"{frame.name}.png"
        path.write_bytes(png(still.desk.paint(), still.desk.look.ink, zoom=1))
        made.append(path)
    return made


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description="A picture of every screen of the terminal UI.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--dir", default=None, help="the store; default: the nearest")
    parser.add_argument("--size", default="140x40", help="COLUMNSxROWS")
    parser.add_argument("--theme", default="dark", choices=["dark", "light"])
    options = parser.parse_args()
    columns, _, rows = options.size.partition("x")
    for path in frames(
        options.folder, str(store_dir(options.dir)), (int(columns), int(rows)), options.theme
    ):
        print(path)


if __name__ == "__main__":
    main()
