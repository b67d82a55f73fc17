"""Saving a chart: the picture as PNG or SVG, the points as CSV."""

from __future__ import annotations

import csv
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from trackerlite.paths import safe_name, whole
from trackerlite_tui.rows import Row
from trackerlite_tui.strands import Strand
from trackerlite_tui.widgets.menu import Choice, Menu

if TYPE_CHECKING:
    from trackerlite.readers import Reader, RunInfo
    from trackerlite_tui.desk import Desk
    from trackerlite_tui.widgets.chartgrid import Charts, Setting

_SIZE = (140, 40)


class Exporting:
    """The `w` key of the charts screen."""

    desk: Desk
    stream: str
    focus: str
    charts: Charts

    def runs(self) -> list[RunInfo]:
        """The runs that are drawn."""
        raise NotImplementedError

    def strands(self) -> list[Strand]:
        """The lines."""
        raise NotImplementedError

    def setting(self, name: str) -> Setting:
        """How a chart is drawn."""
        raise NotImplementedError

    def do_export(self, _: str) -> None:
        """Ask for the form, then save beside where one stands."""
        if not self.focus:
            return
        stem = safe_name(self.focus.replace("/", "-"))
        choices = [
            Choice("svg", "SVG picture", f"{stem}.svg"),
            Choice("png", "PNG picture", f"{stem}.png"),
            Choice("csv", "CSV, every point as logged", f"{stem}.csv"),
        ]
        self.desk.open(
            Menu(self.desk, f"Save {self.focus}", choices, lambda v: self._save(v[0], stem))
        )

    def _save(self, form: str, stem: str) -> None:
        name, stream = self.focus, self.stream
        if form == "csv":
            lines = self.desk.signs.by_run(self.runs())
            save(
                self.desk,
                f"{stem}.csv",
                lambda path, reader: write_csv(path, reader, lines, name, stream),
            )
            return
        from dataclasses import replace

        setting = replace(self.setting(name), focused=False, legend=True)
        drawing = self.charts.draw(self.desk, name, stream, self.strands(), *_SIZE, setting)
        save_picture(self.desk, f"{stem}.{form}", drawing.rows)


def save(desk: Desk, name: str, write: Callable[[Path, Reader], object]) -> None:
    """Write a file beside where one stands, whole or not at all, and say which one or why not."""
    try:
        path = free(Path.cwd() / name)
    except OSError as trouble:
        desk.notify(
            f"nothing saved: the folder you are in is not there ({trouble.strerror})", "bad"
        )
        return

    def job(reader: Reader) -> None:
        with whole(path) as beside:
            write(beside, reader)

    desk.work(f"saved {path}", job)


def save_picture(desk: Desk, name: str, rows: list[Row]) -> None:
    """Save rows of a screen; the name says in which form."""
    from trackerlite_tui.once import encode

    form, look = name.rpartition(".")[2], desk.look
    save(desk, name, lambda path, _: path.write_bytes(encode(rows, form, look)))


def write_csv(path: Path, reader: Reader, lines: list[Strand], name: str, stream: str) -> None:
    """Every point of a metric: run, step, time, value, as logged."""
    from trackerlite_tui.known import shown, shown_name

    by_key = {one.run.key: one.run for one in lines}
    wanted = {one.curve(stream, name) for one in lines}
    with path.open("w", newline="", encoding="utf-8", errors="backslashreplace") as out:
        table = csv.writer(out)
        table.writerow(["run", "name", "metric", "step", "time", "value"])
        for series in reader.series(by_key, stream=stream):
            metric = shown_name(series)
            if (series.run_key, stream, metric) not in wanted or not shown(series):
                continue
            run = by_key[series.run_key]
            points = reader.points(series.key)
            for step, at, value in zip(points.step, points.time, points.value, strict=True):
                table.writerow(
                    [run.id, run.name, metric, int(step), repr(float(at)), repr(float(value))]
                )


def free(path: Path) -> Path:
    """A path that nobody has taken: itself, or with a number."""
    names = (path.with_stem(f"{path.stem}-{count}") for count in itertools.count(2))
    return next(one for one in itertools.chain([path], names) if not one.exists())
