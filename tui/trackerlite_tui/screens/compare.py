"""Two or more runs side by side: what differs in metrics, config, code and environment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from trackerlite_tui.rows import Row, fit, justify, pad, width
from trackerlite_tui.screens.base import Page
from trackerlite_tui.screens.compare_cells import VERDICTS, metric_cells, value_cells, verdicts
from trackerlite_tui.snapshot import CurveKey, DetailKey, Wants
from trackerlite_tui.strands import Strand, unranked
from trackerlite_tui.text import safe, show
from trackerlite_tui.widgets.chartgrid import Charts, Setting, axis_name
from trackerlite_tui.widgets.listing import Listing, Scrolling
from trackerlite_tui.widgets.patch import Patch

if TYPE_CHECKING:
    from trackerlite.readers import RunInfo
    from trackerlite.readers.comparison import Comparison
    from trackerlite_tui.desk import Desk

_MOST = 8
_WIDEST = 44
_SECTIONS = ("config", "summary", "git", "packages", "environment", "artifacts")
# What a line of the list is: a heading, a metric, a key of a section, a line of a patch.
_Line = tuple[str, str, Any]


class Screen(Scrolling, Page):
    """See the module."""

    name = "compare"

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.listing = Listing()
        self.everything = False
        self._lines: list[_Line] = []
        self._verdicts: set[str | None] = set()  # better, worse: which there are
        self._built: object = None
        self._read: dict[str, Patch] = {}
        self._charts = Charts()

    # -- what is compared ----------------------------------------------------------------

    def runs(self) -> list[RunInfo]:
        """The marked runs, else the first two of the list; the baseline first."""
        marked = self.desk.marked()
        runs = (
            marked
            if len(marked) >= 2
            else (marked + [r for r in self.desk.runs.runs if r not in marked])[:2]
        )[:_MOST]
        base = self.desk.state.baseline
        return sorted(runs, key=lambda run: run.id != base)

    def _key(self) -> DetailKey:
        return ("compare", 0, *(run.key for run in self.runs()))

    def wants(self) -> Wants:
        """The comparison, and the curve of the metric under the cursor."""
        runs = self.runs()
        metric = self._metric()
        curves: tuple[CurveKey, ...] = ()
        if metric:
            curves = tuple((run.key, "history", metric) for run in runs)
        return Wants(
            filter=self.desk.state.filter,
            config=True,
            listed=tuple(run.key for run in runs),
            names=(unranked(metric)[0],) if metric else ("",),
            curves=curves,
            dots=2 * self.desk.columns,
            axis=self.desk.state.axis,
            smoothing=self.desk.state.smoothing,
            details=(self._key(),) if len(runs) >= 2 else (),
        )

    def _metric(self) -> str:
        """The metric under the cursor, else the one before it."""
        for kind, name, _ in reversed(self._lines[: self.listing.index + 1]):
            if kind == "metric":
                return name
        return next((name for kind, name, _ in self._lines if kind == "metric"), "")

    # -- lines ---------------------------------------------------------------------------

    def _build(self, found: Comparison) -> None:
        """The list of lines, made anew when the comparison is."""
        form = (id(found), self.everything, self.desk.state.metric_filter)
        if self._built == form:
            return
        self._built = form
        shown = found if self.everything else found.differing()
        text = self.desk.state.metric_filter.casefold()
        lines: list[_Line] = []

        def section(title: str, some: Sequence[_Line], total: int) -> None:
            kept = [line for line in some if text in line[1].casefold()]
            if kept:
                word = f"{len(kept)} of {total}" if len(kept) != total else f"{total}"
                lines.append(("head", title, word))
                lines.extend(kept)

        section("metrics", [("metric", row.name, row) for row in shown.metrics], len(found.metrics))
        for name in _SECTIONS:
            rows = shown.sections.get(name, ())
            section(
                name, [("key", row.key, row) for row in rows], len(found.sections.get(name, ()))
            )
        if not text:
            lines += self._patches(found)
        self._lines = lines
        metrics = (data for kind, _, data in lines if kind == "metric")
        self._verdicts = set().union(*map(verdicts, metrics))

    def _patches(self, found: Comparison) -> list[_Line]:
        """The uncommitted changes, once for those that are the same."""
        by_text: dict[str, list[str]] = {}
        for run, patch in zip(found.runs, found.patches, strict=True):
            if patch:
                by_text.setdefault(patch, []).append(run.name or run.id)
        if (
            not self.everything
            and len(by_text) == 1
            and len(next(iter(by_text.values()))) == len(found.runs)
        ):
            return []
        out: list[_Line] = []
        for patch, names in by_text.items():
            out.append(("head", f"not committed in {', '.join(map(safe, names))}", ""))
            body = self._read.setdefault(patch, Patch(patch))
            out += [("patch", "", (body, index)) for index in range(len(body))]
        return out

    # -- painting ------------------------------------------------------------------------

    def paint(self, columns: int, rows: int) -> list[Row]:
        """A heading with the runs, the list, and the curves of the metric under the cursor."""
        runs = self.runs()
        found = self.desk.snapshot.details.get(self._key())
        if len(runs) < 2:
            return self.say(
                "mark two or more runs on the Runs screen (1) with space", columns, rows
            )
        if isinstance(found, Exception):
            return self.say(f"the runs cannot be compared: {show(found)}", columns, rows)
        if found is None:
            return self.say("reading …", columns, rows)
        self._build(found)
        self.listing.set_count(len(self._lines))
        self._skip_heads(1)
        chart = rows // 3 if rows >= 24 and self._metric() else 0
        head = self._heading(runs, columns)
        if not self._lines:
            word = (
                "nothing differs that was recorded"
                if not self.everything
                else "nothing was recorded"
            )
            return head + self.say(word, columns, rows - len(head))
        key_wide, wide = self._widths(columns, len(runs))
        body = self.listing.paint(
            columns,
            rows - chart - len(head),
            self.desk.look,
            lambda i: self._line(i, key_wide, wide),
        )
        out = head + body
        if chart:
            name = self._metric()
            setting = Setting(
                y_kind=self.desk.state.y_kinds.get(name, "linear"),
                smooth=self.desk.state.smoothing > 0,
                raw=self.desk.state.raw,
                x_name=axis_name(self.desk.state.axis),
            )
            lines = [Strand(run) for run in runs]
            out += self._charts.draw(
                self.desk, name, "history", lines, columns, chart, setting
            ).rows
        return out

    def _widths(self, columns: int, runs: int) -> tuple[int, int]:
        longest = max(
            (width(safe(name)) for kind, name, _ in self._lines if kind in ("metric", "key")),
            default=10,
        )
        key_wide = max(8, min(longest + 1, columns // 3, 36))
        return key_wide, max(6, min(_WIDEST, (columns - key_wide - 2) // runs - 1))

    def _heading(self, runs: list[RunInfo], columns: int) -> list[Row]:
        look = self.desk.look
        key_wide, wide = self._widths(columns, len(runs))
        row: Row = [(" " * (key_wide + 1), "")]
        for index, run in enumerate(runs):
            swatch = look.pick("━━ ", "-- ") if look.ink.colored else f"{look.marker(index)} "
            name = safe(run.name or run.id) + (" (baseline)" if not index else "")
            row += [
                (swatch, self.desk.color(run)),
                (pad(name, max(0, wide - len(swatch)), look.ascii_only) + " ", look.strong),
            ]
        what = "everything" if self.everything else "what differs"
        marked = len(self.desk.marked())
        hint = "" if marked >= 2 else f"the {self.desk.signs.which} runs, for want of marks  "
        note: Row = [(f" {what}", look.text), (f"  {hint}", look.dim)]
        if self.desk.state.metric_filter:
            note += [(" filter ", look.dim), (safe(self.desk.state.metric_filter, 40), look.accent)]
        beyond = f"the first {_MOST} of {marked} " if marked > _MOST else ""
        right: Row = [(beyond, look.dim)]
        for verdict, style in (("better", look.good), ("worse", look.bad)):
            if verdict in self._verdicts:
                right += [(f"{VERDICTS[verdict]} {verdict} ", style)]
        return [justify(note, right, columns), fit(row, columns)]

    def _line(self, index: int, key_wide: int, wide: int) -> Row:
        kind, name, data = self._lines[index]
        look = self.desk.look
        if kind == "head":
            rule = look.pick("─", "-")
            return [
                (f"{rule}{rule} {name} ", look.strong),
                (f"{data} ", look.dim),
                (rule * 400, look.faint),
            ]
        if kind == "patch":
            patch, at = data
            found: Row = patch.row(at, look)
            return found
        row: Row = [(f" {pad(safe(name), key_wide - 1, look.ascii_only)} ", look.text)]
        return row + (
            metric_cells(data, wide, look)
            if kind == "metric"
            else value_cells(data.values, wide, look)
        )

    # -- keys ----------------------------------------------------------------------------

    @property
    def contexts(self) -> tuple[str, ...]:
        """Its own keys, then a list's."""
        return ("compare", "list")

    def _skip_heads(self, by: int) -> None:
        """The cursor does not rest on a heading."""
        while (
            self._lines[self.listing.index : self.listing.index + 1]
            and self._lines[self.listing.index][0] == "head"
        ):
            before = self.listing.index
            self.listing.move(by)
            if self.listing.index == before:
                by = -by
                if before == self.listing.count - 1 == 0:
                    return
                self.listing.move(by)

    def do_move(self, by: str) -> None:
        """Up or down, over headings."""
        self.listing.move(int(by))
        if self._lines:
            at_top = self.listing.index == 0
            self._skip_heads(1 if int(by) > 0 or at_top else -1)

    def do_pane(self, by: str) -> None:
        """The next part."""
        heads = [i for i, line in enumerate(self._lines) if line[0] == "head"]
        if not heads:
            return
        here = self.listing.index
        if by == "1":
            target = next((i for i in heads if i > here), heads[0])
        else:
            before = [i for i in heads if i < here - 1]
            target = before[-1] if before else heads[-1]
        self.listing.move(self.listing.count)
        self.listing.index = min(target + 1, self.listing.count - 1)
        self.listing.top = max(0, target)

    def do_baseline(self, by: str) -> None:
        """The next run becomes the baseline."""
        marked = self.desk.marked()
        order = marked if len(marked) >= 2 else self.runs()
        now = [run.id for run in order]
        base = self.runs()[0].id if self.runs() else ""
        if base in now:
            self.desk.state.baseline = now[(now.index(base) + int(by)) % len(now)]

    def do_different(self, _: str) -> None:
        """Only what differs, or everything."""
        self.everything = not self.everything

    def do_open(self, _: str) -> None:
        """The charts of these runs, at the metric under the cursor."""
        metric = self._metric()
        self.desk.state.marks = [run.id for run in self.runs()]
        self.desk.show("charts")
        if metric:
            self.desk.screen.focus_on(metric)

    def do_copy(self, _: str) -> None:
        """Copy the row under the cursor."""
        if self._lines:
            key_wide, wide = self._widths(400, len(self.runs()))
            text = "".join(text for text, _ in self._line(self.listing.index, key_wide, wide))
            self.desk.effects.copy(text.strip())
            self.desk.notify("copied the row")

    def do_filter(self, _: str) -> None:
        """Only keys that hold a text."""
        from trackerlite_tui.widgets.prompt import Prompt

        def live(text: str) -> None:
            self.desk.state.metric_filter = text
            self.listing.index = 0

        def verdict() -> tuple[str, None]:
            return f"{sum(line[0] != 'head' for line in self._lines)} rows", None

        self.desk.open(
            Prompt(
                self.desk, "keys", self.desk.state.metric_filter, live, live=live, verdict=verdict
            )
        )

    def do_clear(self, _: str) -> None:
        """No filter."""
        self.desk.clear_names()

    def click(self, x: int, y: int, double: bool) -> None:
        """Put the cursor on a row."""
        index = self.listing.top + y - 2
        if y >= 2 and index < self.listing.count:
            self.listing.index = index
            self._skip_heads(1)
