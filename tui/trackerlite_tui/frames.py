"""A picture of every screen: `python -m trackerlite_tui.frames FOLDER [--dir STORE]`.

The README's pictures are made with it, from the store of `trackerlite demo`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from trackerlite.paths import store_dir
from trackerlite.readers import Reader
from trackerlite_tui.curves.picture import png
from trackerlite_tui.look import look
from trackerlite_tui.once import Still
from trackerlite_tui.screens import ORDER
from trackerlite_tui.state import State

# What is pressed before a screen is taken.
_KEYS = {
    "charts": ["s", "s", "s"],
    "inspect": ["s", "s", "s", "z", "i", "H", "H", "m", "H", "H", "H", "m"],
}


def frames(folder: Path, store: str, size: tuple[int, int], theme: str) -> list[Path]:
    """Write `<screen>.png` for each screen, and `inspect.png` for one chart being read."""
    folder.mkdir(parents=True, exist_ok=True)
    environment = {"LANG": "C.UTF-8", "TERM": "xterm-256color"}
    made = []
    for name in (*ORDER, "inspect"):
        screen = "charts" if name == "inspect" else name
        still = Still(
            lambda: Reader.open(store), State(screen=screen), *size, look(theme, environment)
        )
        still.settle()
        still.key(*_KEYS.get(name, []))
        still.desk.notify("")  # the keys, not what the last one did
        path = folder / f"{name}.png"
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
