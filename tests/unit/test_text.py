"""The door for text: nothing that reaches a terminal can command it."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from trackerlite import text

SEQUENCES = [
    "\x1b[31m", "\x1b]52;c;aGk=\x07", "\x1b[6n", "\x1bP1$r\x1b\\", "\x9b6n", "\x07", "\x08", "\r", "\x7f", "\u202egpj", "\u2066",
    "\u200b", "\ufeff", "\ud800", "\x1b]0;title\x07", "\x1b]8;;http://x\x1b\\", "\n\n", "\t", "\u2028",
]  # fmt: skip


@given(st.one_of(st.text(), st.lists(st.sampled_from(SEQUENCES)).map("".join)))
def test_nothing_is_left_that_commands_a_terminal(hostile: str) -> None:
    """No control, no reordering and no lone surrogate is in what `plain` returns; its length stays."""
    shown = text.plain(hostile)
    assert len(shown) == len(hostile)
    for character in shown:
        assert unicodedata.category(character) not in ("Cc", "Cs", "Zl", "Zp")
        assert unicodedata.bidirectional(character) not in (
            "RLO",
            "LRO",
            "RLE",
            "LRE",
            "PDF",
            "RLI",
            "LRI",
            "FSI",
            "PDI",
        )
    shown.encode("utf-8")
    assert text.plain(shown) == shown


def test_what_is_harmless_stays() -> None:
    """Letters of any script, marks, emoji and symbols are left alone."""
    for harmless in ("loss/train", "größe", "损失", "שלום", "e\u0301", "🙂", "50% ± 0.1"):
        assert text.plain(harmless) == harmless


@given(st.text(), st.integers(1, 50))
def test_a_limit_is_kept(some: str, limit: int) -> None:
    """A text is never longer than its limit, and one that was cut says so."""
    shown = text.plain(some, limit)
    assert len(shown) <= limit
    assert len(some) <= limit or shown.endswith("…")


@given(st.text())
def test_lines_are_plain(some: str) -> None:
    """Each line is plain, and none holds a line break."""
    for line in text.lines(some):
        assert text.plain(line) == line
    assert len(text.lines(some)) == some.count("\n") + 1
