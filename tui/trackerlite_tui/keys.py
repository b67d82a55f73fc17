"""The one table of keys. It dispatches, and it writes the footer, the help and the README.

`python -m trackerlite_tui.keys` prints the README's table.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True)
class Key:
    """One line of the table.

    `action` is the name of a method `do_<name>`, with an argument after a colon.
    `short` is what the footer says; without it the key is left out there.
    """

    context: str
    keys: tuple[str, ...]
    action: str
    help: str
    short: str = ""


def _table(context: str, text: str) -> list[Key]:
    """Lines of `key key | action | help | short`."""
    out = []
    for line in filter(None, map(str.strip, text.splitlines())):
        names, action, about, *short = (part.strip() for part in line.split(" | "))
        out.append(Key(context, tuple(names.split()), action, about, short[0] if short else ""))
    return out


CONTEXTS = {
    "global": "Everywhere",
    "list": "Lists",
    "runs": "Runs",
    "charts": "Charts",
    "full": "One chart",
    "inspect": "Inspecting a chart",
    "compare": "Compare",
    "logs": "Logs",
    "system": "System",
    "media": "Media & tables",
    "sync": "Sync",
    "prompt": "Typing",
    "overlay": "Lists to choose from",
    "pages": "Pages to read",
}

TABLE: tuple[Key, ...] = (
    *_table(
        "global",
        """
        1 | screen:runs | Runs
        2 | screen:charts | Charts
        3 | screen:compare | Compare
        4 | screen:logs | Logs
        5 | screen:system | System
        6 | screen:media | Media and tables
        7 | screen:sync | Sync
        tab | pane:1 | next pane
        shift+tab | pane:-1 | previous pane
        escape | back | back, or close what is open
        question_mark | help | help for where you are | help
        ctrl+p colon | palette | every command, by name | commands
        slash | filter | filter what is listed here | filter
        n | next:1 | next match
        N | next:-1 | previous match
        backspace | clear | clear the filter
        r | refresh | read the store again
        F | freeze | freeze the screen, or go on live | freeze
        t | theme | dark, light or plain
        exclamation_mark | alerts | the alerts that rang, the newest first
        u | undo | undo the last edit
        q ctrl+c | quit | quit | quit
        """,
    ),
    *_table(
        "list",
        """
        j down | move:1 | down
        k up | move:-1 | up
        h left | scroll:-1 | left
        l right | scroll:1 | right
        g home | top | first
        G end | bottom | last
        ctrl+d pagedown | half:1 | half a page down
        ctrl+u pageup | half:-1 | half a page up
        """,
    ),
    *_table(
        "runs",
        """
        enter | open | open the charts of this run, or of the marked ones | charts
        space | mark | mark or unmark | mark
        v | range | mark from the last marked run to here
        a | all | mark all that are listed
        X | unmark | unmark all
        d | compare | compare the marked runs | compare
        f | filter_runs | filter runs: config.lr>=1e-3 tag:lora state:running age<2d
        o | sort_by | choose the column to sort by | sort
        O | reverse | reverse the order
        less_than_sign | sort:-1 | sort by the column to the left
        greater_than_sign | sort:1 | sort by the column to the right
        c | columns | choose the columns | columns
        b | group | group by a config key
        p | pin | pin this run to the top
        e | notes | edit the notes | notes
        T | tags | edit the tags, of all marked runs if any | tags
        R | rename | rename
        D delete | trash | move to the trash (u brings it back)
        Z | trashed | show the trash, or go back
        Y | copy | copy the run's id
        """,
    ),
    *_table(
        "charts",
        """
        j down | focus:down | chart below
        k up | focus:up | chart above
        h left | focus:left | chart to the left
        l right | focus:right | chart to the right
        g home | first | first chart
        G end | last | last chart
        enter z | full | this chart in full | full
        right_square_bracket pagedown ctrl+d | page:1 | next page
        left_square_bracket pageup ctrl+u | page:-1 | previous page
        minus | density:-1 | fewer, larger charts
        plus equals_sign | density:1 | more, smaller charts
        p | pin | pin this metric to the front | pin
        i | inspect | read values along the curve | inspect
        s | smooth:1 | smoother | smooth
        S | smooth:-1 | less smooth
        R | raw | show or hide the raw values
        L | log_y | y: linear, log, symlog | log
        ctrl+l | log_x | x: linear or log
        x | axis | x axis: step, relative time, wall time, a metric | x axis
        A | apply | use this chart's settings for all
        b | band | lines, or mean and band by group
        a | ranks | lines of rank 0, or of all ranks that recorded a run
        C | color_by | colour by run, or by a config key
        f | filter_runs | filter runs
        w | export | save as SVG, PNG or CSV | save
        """,
    ),
    *_table(
        "full",
        """
        h left | pan:-1 | pan left
        l right | pan:1 | pan right
        k up | zoom:1 | zoom in
        j down | zoom:-1 | zoom out
        K shift+up | zoom_y:1 | zoom in, y
        J shift+down | zoom_y:-1 | zoom out, y
        0 | reset | the whole curve | whole
        f | follow | follow the newest points | follow
        enter z | leave | back to the grid
        right_square_bracket | page:1 | next metric
        left_square_bracket | page:-1 | previous metric
        """,
    ),
    *_table(
        "inspect",
        """
        h left | step:-1 | one point back
        l right | step:1 | one point on
        H shift+left | step:-10 | ten points back
        L shift+right | step:10 | ten points on
        g home | step:start | first point
        G end | step:end | last point
        m | mark_here | set a mark; a second shows the difference | mark
        full_stop | sync | cursor in all charts, or in this one | all charts
        i escape | leave | stop inspecting | done
        """,
    ),
    *_table(
        "compare",
        """
        tab | pane:1 | next part | part
        b | baseline:1 | next run as the baseline: ▲ is better than it, ▼ worse | baseline
        D | different | only what differs, or everything | differing
        enter | open | open the charts of what is compared | charts
        y | copy | copy this row
        """,
    ),
    *_table(
        "logs",
        """
        f | follow | follow the end | follow
        W | wrap | wrap long lines | wrap
        J | jump | charts at this line's time | jump
        left_square_bracket | run:-1 | previous run
        right_square_bracket | run:1 | next run | next run
        """,
    ),
    *_table(
        "system",
        """
        j down | focus:down | chart below
        k up | focus:up | chart above
        h left | focus:left | chart to the left
        l right | focus:right | chart to the right
        g home | first | first chart
        G end | last | last chart
        enter z | full | this chart in full | full
        right_square_bracket pagedown ctrl+d | page:1 | next page
        left_square_bracket pageup ctrl+u | page:-1 | previous page
        minus | density:-1 | fewer, larger charts
        plus equals_sign | density:1 | more, smaller charts
        i | inspect | read values along the curve | inspect
        a | ranks | lines of rank 0, or of all ranks that recorded a run
        w | export | save as SVG, PNG or CSV | save
        """,
    ),
    *_table(
        "media",
        """
        left_square_bracket h left | scrub:-1 | earlier step | earlier
        right_square_bracket l right | scrub:1 | later step | later
        less_than_sign | run:-1 | previous run
        greater_than_sign | run:1 | next run | next run
        enter | open | read all of it, cells in full | read
        b | bands | histograms as bands, or as a heat map | bands
        w | export | save this as PNG or SVG | save
        """,
    ),
    *_table(
        "sync",
        """
        enter | open | what was sent of this run, and where | details
        y | copy | copy the command that sends this run | copy
        """,
    ),
    *_table(
        "prompt",
        """
        enter | accept | accept | ok
        escape ctrl+c | cancel | leave it as it was | cancel
        up | history:-1 | earlier entry
        down | history:1 | later entry
        """,
    ),
    *_table(
        "overlay",
        """
        j down | move:1 | down
        k up | move:-1 | up
        ctrl+d pagedown | half:1 | half a page down
        ctrl+u pageup | half:-1 | half a page up
        g home | top | first
        G end | bottom | last
        enter | accept | choose | choose
        space | mark | choose several
        escape q ctrl+c question_mark | cancel | close | close
        """,
    ),
    *_table(
        "pages",
        """
        j down | move:1 | down
        k up | move:-1 | up
        ctrl+d pagedown space | half:1 | half a page down
        ctrl+u pageup | half:-1 | half a page up
        g home | top | first line
        G end | bottom | last line
        escape q ctrl+c question_mark enter | cancel | close | close
        """,
    ),
)

_SHOWN = {
    "question_mark": "?",
    "colon": ":",
    "slash": "/",
    "exclamation_mark": "!",
    "less_than_sign": "<",
    "greater_than_sign": ">",
    "right_square_bracket": "]",
    "left_square_bracket": "[",
    "minus": "-",
    "plus": "+",
    "equals_sign": "=",
    "full_stop": ".",
    "escape": "esc",
    "space": "space",
    "pagedown": "pgdn",
    "pageup": "pgup",
    "left": "←",
    "right": "→",
    "up": "↑",
    "down": "↓",
    "shift+left": "shift+←",
    "shift+right": "shift+→",
    "shift+up": "shift+↑",
    "shift+down": "shift+↓",
    "shift+tab": "shift+tab",
}
_TYPED = {char: name for name, char in _SHOWN.items() if len(char) == 1 and char.isascii()}
_TYPED |= {"\r": "enter", "\n": "enter", "\t": "tab", "\x7f": "backspace", " ": "space"}


def shown(key: str) -> str:
    """A key as people write it."""
    return _SHOWN.get(key, key)


def named(char: str) -> str:
    """The table's name of a typed character."""
    control = f"ctrl+{chr(ord(char) + 96)}" if "\0" < char < "\x1b" else char
    return _TYPED.get(char, control)


@lru_cache(maxsize=256)
def find(contexts: tuple[str, ...], key: str) -> Key | None:
    """What a key does: the first context that has it wins."""
    for context in contexts:
        for entry in TABLE:
            if entry.context == context and key in entry.keys:
                return entry
    return None


@lru_cache(maxsize=64)
def footer(contexts: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """(key, word) pairs for the footer, the nearest context first, none that is covered."""
    out = []
    taken: set[str] = set()
    for context in contexts:
        for entry in TABLE:
            if entry.context == context and entry.short and entry.keys[0] not in taken:
                out.append((shown(entry.keys[0]), entry.short))
        taken.update(key for entry in TABLE if entry.context == context for key in entry.keys)
    return tuple(out)


def sections(contexts: Iterable[str]) -> list[tuple[str, list[tuple[str, str]]]]:
    """(title, [(keys, what they do)]) for the help."""
    return [
        (
            CONTEXTS[context],
            [
                (" ".join(shown(key) for key in entry.keys), entry.help)
                for entry in TABLE
                if entry.context == context
            ],
        )
        for context in contexts
    ]


def commands(contexts: Sequence[str]) -> list[Key]:
    """What the palette offers: all that can be done from here."""
    skip = {"palette", "move", "history", "accept", "cancel"}
    reach = [
        e for c in contexts for e in TABLE if e.context == c and e.action.split(":")[0] not in skip
    ]
    return [entry for entry in reach if find(tuple(contexts), entry.keys[0]) is entry]


def markdown() -> str:
    """The README's key table."""
    lines = ["| where | keys | what |", "|---|---|---|"]
    for title, entries in sections(CONTEXTS):
        for names, about in entries:
            cells = " ".join(f"`{name}`" if name != "|" else "`\\|`" for name in names.split())
            lines.append(f"| {title} | {cells} | {about} |")
            title = ""
    return "\n".join(lines)


if __name__ == "__main__":
    print(markdown())
