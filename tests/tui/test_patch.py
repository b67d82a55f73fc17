"""The patch on the compare screen: the language's colours, the sides', and the changed words."""

from __future__ import annotations

import pytest

from trackerlite_tui.curves.palette import contrast
from trackerlite_tui.look import look
from trackerlite_tui.widgets.patch import Patch, changed

UNICODE = {"LANG": "C.UTF-8", "TERM": "xterm-256color"}
LOOKS = {theme: look(theme, UNICODE) for theme in ("dark", "light", "plain")}
LOOKS["ascii"] = look("auto", {"LANG": "C", "TERM": "vt100"})

PATCH = """diff --git a/train.py b/train.py
index 1..2 100644
--- a/train.py
+++ b/train.py
@@ -1,6 +1,6 @@ x = 1
 def main():
     # the rate
-    optimizer = Adam(lr=0.001, name="adam")
+    optimizer = Adam(lr=0.003, name="adam")
     '''a text
--- of several
     lines'''
+    return optimizer
\\ No newline at end of file
diff --git a/notes.txt b/notes.txt
--- a/notes.txt
+++ b/notes.txt
@@ -1 +1 @@
-old \x1b[31mred
+new [/red]
"""


def _styles(patch: Patch, line: str, theme: str = "dark") -> dict[str, str]:
    index = next(i for i, text in enumerate(patch.lines) if line in text)
    return {text.strip(): style for text, style in patch.row(index, LOOKS[theme])}


def test_the_words_that_changed_are_the_loud_ones() -> None:
    """In a pair of lines only the number that changed is bold, on both sides."""
    patch = Patch(PATCH)
    for line, word in (("lr=0.001", "0.001"), ("lr=0.003", "0.003")):
        styles = _styles(patch, line)
        assert [text for text, style in styles.items() if "bold" in style and text not in "+-"] == [
            word
        ]


def test_the_language_has_its_colours() -> None:
    """Keywords, comments and strings differ; a string of several lines stays a string."""
    ink, patch = LOOKS["dark"].ink, Patch(PATCH)
    assert _styles(patch, "# the rate")["# the rate"].startswith(ink.dim)
    assert _styles(patch, " def main")["def"].startswith(ink.accent)
    assert any("lines" in text and style.startswith(ink.dim) for text, style in _styles(patch, "lines'''").items())  # fmt: skip


@pytest.mark.parametrize("theme", ["dark", "light", "plain", "ascii"])
def test_every_line_is_whole_in_every_look(theme: str) -> None:
    """Whatever the colours, each line reads as it stands in the patch, controls as symbols."""
    patch = Patch(PATCH)
    for index, line in enumerate(patch.lines):
        text = "".join(text for text, _ in patch.row(index, LOOKS[theme]))
        assert text == f"  {line}" or (not line and text.strip() == "")
    assert "\x1b" not in "".join(patch.lines)


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_colours_are_readable_on_their_sides(theme: str) -> None:
    """Code on the tinted backgrounds keeps a contrast of 4.5 to 1 at least."""
    ink = LOOKS[theme].ink
    patch = Patch(PATCH)
    for index in range(len(patch)):
        for text, style in patch.row(index, LOOKS[theme]):
            color, _, back = style.removeprefix("bold ").partition(" on ")
            if text.strip():
                assert contrast(color, back or ink.background) >= 4.5, (text, style)


@pytest.mark.parametrize(
    "text", ["", "\n", "@@", "@@\n", "+++ \n@@\n", "@@ -1 +1 @@\n\n-\n+\n", "-a\n+b", "\\"]
)
def test_a_patch_that_is_none_is_shown_as_text(text: str) -> None:
    """Cut, empty or odd patches are lines like any others."""
    patch = Patch(text)
    for index in range(len(patch)):
        patch.row(index, LOOKS["dark"])


def test_a_hunk_is_read_when_it_is_seen() -> None:
    """A patch of many files opens without reading any of them; one too long is not coloured."""
    one = "+++ b/x.py\n@@ -0,0 +1,9 @@\n" + "+import os\n" * 9
    patch = Patch(one * 2000)
    assert not patch._read
    patch.row(500, LOOKS["dark"])
    assert len(patch._read) == 1
    long = Patch("+++ b/x.py\n@@ -0,0 +1,9999 @@\n" + "+import os\n" * 9999)
    assert [text for text, _ in long.row(50, LOOKS["dark"])] == ["  +", "import os"]


def test_changed_words_are_found_by_whole_words() -> None:
    """What is new in a text, from word to word."""
    assert changed("flip,crop,mixup", "flip,crop,jitter") == [(10, 16)]
    assert changed("a b", "a b") == []
    assert changed("", "ab") == [(0, 2)]
