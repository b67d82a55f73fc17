"""What is wrong with a filter, and where."""

from __future__ import annotations

from trackerlite.errors import BadInput
from trackerlite.text import plain


class FilterError(BadInput):
    """A filter that cannot be understood; the message points at the place.

    Attributes:
        text: the filter as given.
        start, end: where in `text` the trouble is, in characters; `end` is exclusive.
        reason: one sentence, without the picture.
    """

    def __init__(self, reason: str, text: str, start: int, end: int | None = None) -> None:
        self.reason = reason
        self.text = text
        self.start = min(start, len(text))
        self.end = max(self.start, min(end if end is not None else start + 1, len(text)))
        super().__init__(f"{reason}\n{self.pointer()}")

    def pointer(self, width: int = 72) -> str:
        """Two lines: the filter (cut to `width` around the trouble), and carets below the place."""
        left = max(0, self.start - width * 2 // 3) if len(self.text) > width else 0
        shown = self.text[left : left + width]
        head, tail = ("…" if left else ""), ("…" if left + width < len(self.text) else "")
        carets = max(1, min(self.end, left + width) - self.start)
        # Every character of a filter is shown as exactly one, so the carets line up.
        return (
            f"  {head}{plain(shown)}{tail}\n  {' ' * (len(head) + self.start - left)}{'^' * carets}"
        )


class FilterTimeout(FilterError):
    """A regular expression took longer than its time allowance."""
