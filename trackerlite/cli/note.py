"""`trackerlite note`: what a person wants to remember about a run."""

from __future__ import annotations

import click

from trackerlite import edits
from trackerlite.cli._edit import find
from trackerlite.cli._options import dir_option, json_option, run_argument, verb
from trackerlite.cli._output import emit, say
from trackerlite.text import lines


@verb(
    examples="""
    trackerlite note baseline "the one in the paper"
    trackerlite note baseline --append "reproduced on the new driver"
    trackerlite note baseline --edit
    trackerlite note baseline
    """
)
@run_argument
@click.argument("text", required=False)
@click.option("--append", is_flag=True, help="Keep what is there, and add TEXT as a new line.")
@click.option("--edit", is_flag=True, help="Write it in $EDITOR.")
@json_option
@dir_option
def command(
    run: str,
    text: str | None,
    append: bool,
    edit: bool,
    as_json: bool,
    dir: str | None,
) -> None:
    """Write the notes of RUN; without TEXT, print them."""
    [info] = find([run], dir)
    before = info.notes or ""
    if edit:
        text = click.edit(before if text is None else text)
        if text is None:
            say("The editor was left without saving; the notes are as they were.")
            return
        text = text.rstrip("\n")
    elif append and text is None:
        raise click.UsageError("--append needs a TEXT to add.")
    elif append and before:
        text = f"{before}\n{text}"
    if text is not None:
        edits.set_notes(info, text)
        say(f"The notes of {info.name} ({info.id}) are written.")
    if as_json:
        emit({"id": info.id, "name": info.name, "notes": before if text is None else text})
    elif text is None:
        for line in lines(before) if before else []:
            print(line)
