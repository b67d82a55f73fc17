"""The command line: `trackerlite VERB …`.

A verb is a module of this package, named for it (`import_.py` is `import`), that
holds a click command called `command`. It is imported when it is called, not
before: `trackerlite ls` pays for `ls` only.

Exit codes: 0 done · 1 what was asked for failed · 2 wrong use · 3 nothing matched;
130 after Ctrl-C and 141 when the reader of a pipe went away, as shells expect.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
import sys
from typing import TYPE_CHECKING, Any, TextIO

import click

from trackerlite import __version__, errors
from trackerlite.cli._output import discard, say

if TYPE_CHECKING:
    from collections.abc import Sequence

DONE, FAILED, WRONG_USE, NOTHING_MATCHED, INTERRUPTED, PIPE_CLOSED = 0, 1, 2, 3, 130, 141

# The order of `--help`. A verb that is not named here is listed last.
SECTIONS = {
    "Watch": ["tui", "demo", "watch"],
    "Look": ["ls", "show", "metrics", "tail", "plot", "diff", "report", "search", "sql", "help"],
    "Organise": ["tag", "note", "rename", "rm", "restore", "gc", "artifacts", "doctor"],
    "Move": ["sync", "status", "login", "logout", "export", "import", "bundle"],
}


def verbs() -> dict[str, str]:
    """Every verb and the module that holds it."""
    modules = (module.name for module in pkgutil.iter_modules(__path__))
    return {
        name.rstrip("_").replace("_", "-"): f"{__name__}.{name}"
        for name in modules
        if not name.startswith("_")
    }


class PipeClosed(Exception):
    """The reader of our stdout went away."""


class Verbs(click.Group):
    """A group whose commands are modules, imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Every verb, in the order of `--help`."""
        known = [verb for section in SECTIONS.values() for verb in section]
        return sorted(verbs(), key=lambda v: (known.index(v) if v in known else len(known), v))

    def get_command(
        self,
        ctx: click.Context,  # noqa: ARG002
        cmd_name: str,
    ) -> click.Command | None:
        """The command of a verb, or None."""
        module = verbs().get(cmd_name)
        if module is None:
            return None
        command = importlib.import_module(module).command
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The verb that `args` begin with; an unknown one is answered with the nearest."""
        if args[0] not in verbs():
            import difflib

            near = difflib.get_close_matches(args[0], verbs(), n=1, cutoff=0.5)
            hint = f"Did you mean `{near[0]}`?" if near else "`trackerlite --help` lists them."
            ctx.fail(f"There is no verb `{args[0]}`. {hint}")
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the verb. click would end with 1 when a pipe is closed, as if we had failed."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise PipeClosed from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the verbs by section."""
        rest = self.list_commands(ctx)
        for title, section in [*SECTIONS.items(), ("Other", list(rest))]:
            rows = []
            for verb in section:
                command = self.get_command(ctx, verb) if verb in rest else None
                if command is not None:
                    rest.remove(verb)
                    rows.append((verb, command.get_short_help_str(limit=200)))
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)


def _version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        click.echo(f"trackerlite {__version__}")
        ctx.exit()


@click.group(
    "trackerlite",
    cls=Verbs,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="`trackerlite VERB --help` has an example of each.",
)
@click.option("--dir", metavar="PATH", help="The store, or the folder it is in.")
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=_version)
@click.pass_context
def trackerlite(ctx: click.Context, dir: str | None) -> None:
    """A flight recorder for training runs.

    Alone, it opens the terminal UI on the nearest store.
    """
    if ctx.invoked_subcommand is None:
        tui = ctx.command.get_command(ctx, "tui")  # type: ignore[attr-defined]
        ctx.invoke(tui, dir=dir)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    _prepare_streams()
    try:
        result = trackerlite.main(
            args=None if argv is None else list(argv),
            prog_name="trackerlite",
            standalone_mode=False,
        )
        sys.stdout.flush()
        return result if isinstance(result, int) else DONE
    except (BrokenPipeError, PipeClosed):
        discard(sys.stdout)
        return PIPE_CLOSED
    except (KeyboardInterrupt, click.Abort):
        return INTERRUPTED
    except click.UsageError as error:
        say(error.format_message())
        if error.ctx is not None:
            say(f"Try `{error.ctx.command_path} --help`.")
        return WRONG_USE
    except click.ClickException as error:
        say(error.format_message())
        return error.exit_code
    except errors.TrackerliteError as error:
        say(str(error))
        return exit_code(error)
    except OSError as error:
        reason, place = error.strerror or str(error), error.filename2 or error.filename
        say(f"{reason}: {place}" if place else f"{reason}.")
        return FAILED
    finally:
        _finish(sys.stdout)


def _finish(stream: TextIO) -> None:
    """Write what waits in `stream`; where that fails it was said, or what is worse was."""
    try:
        stream.flush()
    except OSError:
        discard(stream)


def _prepare_streams() -> None:
    """Let stdout and stderr take anything, and stdin be there."""
    if sys.stdin is None:
        sys.stdin = open(os.devnull)  # noqa: SIM115
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # closed by whoever started us
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115
        else:
            # A terminal that cannot show a character gets its code instead of a traceback.
            stream.reconfigure(errors="backslashreplace")


def exit_code(error: errors.TrackerliteError) -> int:
    """The exit code that an error stands for."""
    if isinstance(error, (errors.RunNotFound, errors.StoreNotFound, errors.ArtifactNotFound)):
        return NOTHING_MATCHED
    if isinstance(error, (errors.AmbiguousRun, errors.BadInput)):
        return WRONG_USE
    return FAILED
