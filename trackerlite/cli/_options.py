"""What verbs have in common: `--dir`, `--json`, RUN arguments, and an example in the help."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Callable

F = TypeVar("F", bound="Callable[..., Any]")


def _dir(ctx: click.Context, _: click.Parameter, value: str | None) -> str | None:
    """`trackerlite --dir X ls` means the same as `trackerlite ls --dir X`."""
    if value is None and ctx.parent is not None:
        return ctx.parent.params.get("dir")
    return value


def dir_option(function: F) -> F:
    """`--dir`, given to the function as `dir`."""
    return click.option(
        "--dir",
        metavar="PATH",
        callback=_dir,
        help="The store, or the folder it is in. Default: $TRACKERLITE_DIR, or the nearest "
        ".trackerlite from here upwards.",
    )(function)


def json_option(function: F) -> F:
    """`--json`, given to the function as `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")(
        function
    )


def _complete_runs(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    """Names and ids for the shell's tab key, as the index has them now; no error, no wait."""
    from trackerlite.errors import TrackerliteError
    from trackerlite.readers import Reader

    trashed = ctx.info_name == "restore"
    try:
        with Reader.open(ctx.params.get("dir"), refresh=False) as reader:
            known = [word for run in reader.runs(trashed=trashed) for word in (run.name, run.id)]
    except (TrackerliteError, OSError):
        return []
    # A name with spaces or worse cannot be typed without quotes; its id can.
    typed = (word for word in known if word.isprintable() and not set(word) & set(" \"'\\$`;"))
    return [word for word in dict.fromkeys(typed) if word.startswith(incomplete)]


def run_argument(function: F) -> F:
    """RUN, given to the function as `run`."""
    return click.argument("run", metavar="RUN", shell_complete=_complete_runs)(function)


def runs_argument(function: F) -> F:
    """RUN…, at least one, given to the function as `runs`."""
    return click.argument(
        "runs", metavar="RUN...", nargs=-1, required=True, shell_complete=_complete_runs
    )(function)


class Filtering(click.Command):
    """A verb whose first argument is a filter, which may begin with `-` (`-tag:x`): no option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """A space before it, which means nothing in a filter, tells the two apart."""
        return super().parse_args(ctx, [f" {one}" if self._negates(one) else one for one in args])

    def _negates(self, word: str) -> bool:
        if len(word) < 3 or word[0] != "-" or word[1] == "-":
            return False
        short = {name for option in self.params for name in option.opts}
        return word[:2] not in short or not word[2:].isdigit()  # -n5 is an option, -notes:x is not


def verb(
    *, examples: str, cls: type[click.Command] = click.Command
) -> Callable[[Callable[..., Any]], click.Command]:
    """A click command whose help ends in `examples`, one command line per line.

    The help's text is the function's docstring. Use it above the options:

        @verb(examples="trackerlite ls --json")
        @dir_option
        def command(dir): ...
    """
    lines = [line.strip() for line in examples.strip().splitlines()]
    epilog = "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)
    return lambda function: click.command(cls=cls, epilog=epilog)(function)
