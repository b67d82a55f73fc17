"""`trackerlite help`: a verb's help, or a page about a topic."""

from __future__ import annotations

import click

from trackerlite.cli._options import dir_option, verb

TOPICS = ("filters",)


@verb(
    examples="""
    trackerlite help filters
    trackerlite help diff
    """
)
@click.argument("topic", required=False)
@dir_option
@click.pass_context
def command(ctx: click.Context, topic: str | None, dir: str | None) -> None:  # noqa: ARG001 - it is taken everywhere
    """Explain a verb, or a topic: filters."""
    root = ctx.find_root()
    if topic is None:
        click.echo(root.get_help())
        return
    if topic == "filters":
        from trackerlite.readers.filters import guide

        click.echo(guide.page())
        return
    group = root.command
    assert isinstance(group, click.Group)
    found = group.get_command(root, topic)
    if found is None:
        raise click.UsageError(
            f"There is no verb or topic called {topic}. `trackerlite --help` lists the verbs; "
            f"the topics are {', '.join(TOPICS)}."
        )
    with click.Context(found, info_name=topic, parent=root) as context:
        click.echo(found.get_help(context))
