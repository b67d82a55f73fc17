"""Every verb is documented: in its help, with an example, and in the README."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from trackerlite.cli import trackerlite, verbs

# What explains or asks for credentials reads no store.
NO_STORE = ("help", "login", "logout")
# What only changes something, is for eyes, or has formats of its own.
NO_JSON = ("demo", "export", "rename", "report", "restore", "rm", "tui", "watch")
README = (Path(__file__).parents[2] / "README.md").read_text()


def help_of(verb: str) -> str:
    context = click.Context(trackerlite, info_name="trackerlite")
    command = trackerlite.get_command(context, verb)
    assert command is not None
    return command.get_help(click.Context(command, info_name=f"trackerlite {verb}"))


@pytest.mark.parametrize("verb", verbs())
def test_help_has_an_example(verb: str) -> None:
    """A verb's help says what it does, and shows at least one command line that parses."""
    text = help_of(verb)
    examples = [
        line.strip() for line in text.splitlines() if re.match(r"\s+trackerlite( |$)", line)
    ]
    assert examples, text
    context = click.Context(trackerlite)
    for example in examples:
        words = shlex.split(example.split(" | ")[0].split(" > ")[0])[1:]
        if not words:
            continue
        name, command, rest = trackerlite.resolve_command(context, words)
        assert name
        assert command
        command.make_context(name, rest, resilient_parsing=False)


@pytest.mark.parametrize("verb", verbs())
def test_dir_everywhere(verb: str) -> None:
    """Every verb takes --dir."""
    command = trackerlite.get_command(click.Context(trackerlite), verb)
    assert command is not None
    names = {option for parameter in command.params for option in parameter.opts}
    assert "--dir" in names


@pytest.mark.parametrize("verb", sorted(set(verbs()) - {*NO_STORE, *NO_JSON}))
def test_json_where_something_is_read(verb: str) -> None:
    """Every verb that answers a question takes --json."""
    command = trackerlite.get_command(click.Context(trackerlite), verb)
    assert command is not None
    assert "--json" in {option for parameter in command.params for option in parameter.opts}


def test_short_help_of_all() -> None:
    """`trackerlite --help` has one line for each verb, none cut off."""
    text = trackerlite.get_help(click.Context(trackerlite, info_name="trackerlite"))
    for verb in verbs():
        assert re.search(rf"^  {verb}  +\S", text, re.M), verb
    # click's mark for a sentence that it cut; options write "...[" for many.
    assert not re.search(r"\w\.\.\.$", text, re.M)


@pytest.mark.parametrize("verb", verbs())
def test_readme_mentions(verb: str) -> None:
    """The README names every verb."""
    assert re.search(rf"`(trackerlite )?{verb}\b|trackerlite {verb}\b", README), verb
