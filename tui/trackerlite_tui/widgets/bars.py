"""The first and the last row of the screen."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from trackerlite_tui import keys
from trackerlite_tui.rows import Row, clip, fit, row_width, width, words
from trackerlite_tui.screens import ORDER, TITLES
from trackerlite_tui.text import safe

if TYPE_CHECKING:
    from trackerlite_tui.desk import Desk
    from trackerlite_tui.look import Look

_NOTICE_ROWS = 4
Tabs = list[tuple[int, int, str]]  # first cell, cell after the last, screen


def _on_bar(look: Look, style: str) -> str:
    """A style on the bar's background; without colour the whole bar is reversed."""
    return look.on(style, "surface") if look.ink.colored else look.bar


def header(desk: Desk, columns: int) -> tuple[Row, Tabs]:
    """The screens at the left; the store, alerts and what is live at the right."""
    look = desk.look
    row: Row = [(" ", look.bar)]
    tabs: Tabs = []
    at = 1
    for number, name in enumerate(ORDER, 1):
        here = name == desk.name
        label = f" {number} {TITLES[name]} " if here or columns >= 90 else f" {number} "
        style = look.on(f"bold {look.ink.accent}".strip(), "select") if here else look.bar
        if here and not look.ink.colored:
            style = "bold"
        row.append((label, style))
        tabs.append((at, at + len(label), name))
        at += len(label)
    right: Row = []
    for fact in _facts(desk):  # whole or not at all: half of "no run is live" says the opposite
        if at + row_width(right) + row_width([fact]) <= columns:
            right.append(fact)
    room = columns - at - row_width(right)
    store = safe(desk.snapshot.store.removesuffix("/.trackerlite"))
    if room > 14 and store:
        if width(store) > room - 2:
            store = look.pick("…", "") + store[-(room - 4) :]
        right.insert(0, (f"{store} ", _on_bar(look, look.dim)))
    gap = max(0, columns - at - row_width(right))
    return fit([*row, (" " * gap, look.bar), *right], columns, look.bar), tabs


def _facts(desk: Desk) -> Row:
    look = desk.look
    out: Row = []
    if desk.snapshot.alerts:
        sign = look.pick("⚠", "!")
        out.append((f" {sign} {len(desk.snapshot.alerts)} ", _on_bar(look, look.warn)))
    silent = sum(desk.runs.silence(run) is not None for run in desk.runs.running)
    live = len(desk.runs.running) - silent
    if desk.frozen:
        out.append((" frozen ", _on_bar(look, look.warn)))
    elif desk.snapshot.problem:
        if desk.snapshot.runs:
            clock = time.strftime("%H:%M:%S", time.localtime(desk.snapshot.at))
            out.append((f" as it was at {clock} ", _on_bar(look, look.bad)))
    elif live or silent:
        if live:
            out.append((f" {look.pick('●', '*')} {live} live ", _on_bar(look, look.good)))
        if silent:
            out.append((f" {look.state('silent')[0]} {silent} silent ", _on_bar(look, look.warn)))
    elif desk.snapshot.runs or not desk.snapshot.loading:
        out.append((" no run is live ", _on_bar(look, look.dim)))
    return out


def footer(desk: Desk, columns: int) -> list[Row]:
    """A notice while there is one, in as many rows as it needs, else the keys of where one is."""
    text, role = desk.notice or (safe(desk.problem), "bad")
    if not text:
        return [_keys(desk, columns)]
    look = desk.look
    lines = words(text, columns - 2)
    if len(lines) > _NOTICE_ROWS:
        lines[_NOTICE_ROWS - 1 :] = [" ".join(lines[_NOTICE_ROWS - 1 :])]
    style = _on_bar(look, look.role(role))
    cut = (clip(line, columns - 2, look.ascii_only) for line in lines)
    return [fit([(f" {line}", style)], columns, look.bar) for line in cut]


def _keys(desk: Desk, columns: int) -> Row:
    """The keys of where one is, from the key table."""
    look = desk.look
    pairs = keys.footer(desk.contexts)
    last = [pair for pair in pairs if pair[1] in ("help", "quit")]
    reserve = sum(len(key) + len(word) + 3 for key, word in last)
    row: Row = [(" ", look.bar)]
    used = 1
    for pair in [*(pair for pair in pairs if pair not in last), *last]:
        key, word = pair
        size = len(key) + len(word) + 3
        if pair in last:
            reserve -= size
        if used + size + reserve > columns:
            continue
        row += [(key, _on_bar(look, f"bold {look.ink.accent}".strip()))]
        row += [(f" {word}  ", _on_bar(look, look.ink.dim))]
        used += size
    return fit(row, columns, look.bar)
