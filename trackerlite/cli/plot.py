"""`trackerlite plot`: curves in the terminal, or as a picture."""

from __future__ import annotations

import itertools
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from trackerlite.cli import FAILED, NOTHING_MATCHED
from trackerlite.cli._options import dir_option, json_option, verb
from trackerlite.cli._output import coloured, console, emit_rows, say
from trackerlite.cli._runs import meant
from trackerlite.readers import Reader
from trackerlite.readers.polyline import AXES
from trackerlite.text import plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trackerlite.cli._lines import Drawn

_SAMPLES = 2000


def _size(_: click.Context, __: click.Parameter, value: str | None) -> tuple[int, int] | None:
    if value is None:
        return None
    columns, x, rows = value.lower().partition("x")
    if not (x and columns.isdigit() and rows.isdigit()):
        raise click.BadParameter("write COLSxROWS, such as 100x20")
    return min(int(columns), 1000), min(int(rows), 500)


@verb(
    examples="""
    trackerlite plot baseline lora-r8 -m val/loss
    trackerlite plot --filter tag:lora -m train/loss --smooth 0.9 --log-y
    trackerlite plot baseline -m "val/*" --x epoch -o val.svg
    """
)
@click.argument("runs", metavar="RUN...", nargs=-1)
@click.option(
    "-m", "--metric", "patterns", multiple=True, required=True, metavar="KEY", help="* matches."
)
@click.option("--filter", "filter_", metavar="FILTER", help="Also the runs that this lets pass.")
@click.option(
    "--x", default="step", show_default=True, metavar="AXIS", help="step, time, wall, or a metric."
)
@click.option(
    "--smooth", type=click.FloatRange(0, 1, max_open=True), default=0.0, metavar="WEIGHT",
    help="Moving average, 0 to below 1.",
)  # fmt: skip
@click.option("--log-y", is_flag=True, help="A logarithmic y axis.")
@click.option("--log-x", is_flag=True, help="A logarithmic x axis, but for --x wall.")
@click.option("--system", is_flag=True, help="System metrics (CPU, GPU, memory) instead.")
@click.option("--size", callback=_size, metavar="COLSxROWS", help="Size of each chart.")
@click.option("--ascii", "ascii_only", is_flag=True, help="Draw with ASCII characters.")
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False), metavar="FILE", help="PNG, SVG or PDF."
)
@json_option
@dir_option
def command(
    runs: tuple[str, ...],
    patterns: Sequence[str],
    filter_: str | None,
    x: str,
    smooth: float,
    log_y: bool,
    log_x: bool,
    system: bool,
    size: tuple[int, int] | None,
    ascii_only: bool,
    output: str | None,
    as_json: bool,
    dir: str | None,
) -> int:
    """Draw metrics of one or more runs: a chart a metric, a line a run."""
    from trackerlite.cli._lines import read_lines

    with Reader.open(dir) as reader:
        found = meant(reader, runs, filter_)
        if not found:
            if filter_ is None:
                raise click.UsageError("Name one or more runs, or some with --filter.")
            say(f"No run passes {filter_!r}.")
            return NOTHING_MATCHED
        stream = "system" if system else "history"
        lines = read_lines(reader, found, patterns, x, smooth, _SAMPLES, stream, as_logged=as_json)
    if not lines:
        say(f"None of these runs has a metric like {' or '.join(patterns)}.")
        if as_json:
            emit_rows([])
        return NOTHING_MATCHED
    if as_json:
        emit_rows(_as_dict(line) for line in lines)
        return 0
    if output is not None:
        return _picture(lines, x, log_x, log_y, Path(output))
    _print(lines, x, log_x, log_y, size, ascii_only)
    return 0


def _as_dict(line: Drawn) -> dict[str, object]:
    return {
        "run": line.run.run_id,
        "key": line.metric,
        "unit": line.unit,
        "exact": line.exact,
        "x": line.x.tolist(),
        "y": line.y.tolist(),
    }


def _picture(lines: Sequence[Drawn], x: str, log_x: bool, log_y: bool, path: Path) -> int:
    from trackerlite.cli._figure import save

    try:
        save(lines, x, log_x, log_y, path)
    except ModuleNotFoundError:
        say(
            "Pictures need matplotlib: pip install 'trackerlite[report]'. Without -o it draws here."
        )
        return FAILED
    say(f"Wrote {path}.")
    return 0


def _print(
    lines: Sequence[Drawn],
    x: str,
    log_x: bool,
    log_y: bool,
    size: tuple[int, int] | None,
    ascii_only: bool,
) -> None:
    from rich.text import Text

    from trackerlite_tui.curves.chart import Options, draw
    from trackerlite_tui.curves.line import BEHIND, line
    from trackerlite_tui.curves.palette import DARK_INK, NO_INK

    ink = DARK_INK if coloured() else NO_INK
    terminal = shutil.get_terminal_size()
    out = console(
        width=1000, force_terminal=coloured(), no_color=not coloured(),
        highlight=False, markup=False, emoji=False, soft_wrap=True,
    )  # fmt: skip
    kinds = {"time": "relative", "wall": "wall"}
    order = {
        run.key: index for index, run in enumerate({one.run.key: one.run for one in lines}.values())
    }
    for metric, group in itertools.groupby(lines, key=lambda one: one.metric):
        members = list(group)
        columns, rows = size or (terminal.columns or 80, max(10, min(20, terminal.lines - 4)))
        drawn = []
        for one in members:
            color = ink.line(order[one.run.key])
            if one.raw is not None and ink.colored:
                drawn.append(line(one.x, one.raw, "", ink.behind(color), BEHIND))
            drawn.append(line(one.x, one.y, plain(one.name), color))
        unit = f" ({plain(members[0].unit, 16)})" if members[0].unit else ""
        drawing = draw(
            drawn,
            columns,
            rows + (1 if len(order) > 1 else 0),
            Options(
                title=plain(metric) + unit,
                ink=ink,
                ascii_only=ascii_only or "utf" not in (sys.stdout.encoding or "").lower(),
                x_kind="log" if log_x and x != "wall" else kinds.get(x, "linear"),
                y_kind="log" if log_y else "linear",
                x_name="" if x in AXES[1:] else plain(x),
                legend=len(order) > 1,
            ),
        )
        for row in drawing.rows:
            out.print(Text.assemble(*((text, style) for text, style in row)), end="\n")
