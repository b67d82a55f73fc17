"""`trackerlite diff`: what differs between runs, or between groups of runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from trackerlite.cli import NOTHING_MATCHED
from trackerlite.cli._cells import width
from trackerlite.cli._options import dir_option, json_option, verb
from trackerlite.cli._output import coloured, console, emit, say
from trackerlite.cli._runs import meant
from trackerlite.readers import Reader
from trackerlite.readers.select import group_runs, select_runs
from trackerlite.text import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType

    from trackerlite.readers import RunInfo

# A pipe takes any width; this is wider than any table of ours.
_ANY_WIDTH = 1000


@verb(
    examples="""
    trackerlite diff baseline lora-r8
    trackerlite diff baseline lora-r8 --all --json
    trackerlite diff --filter "project:demo" --group-by config.optimizer.name
    trackerlite diff baseline lora-r8 --html diff.html
    trackerlite diff baseline wandb:my-team/lora-runs/abc123
    """
)
@click.argument("runs", metavar="RUN...", nargs=-1)
@click.option("--filter", "filter_", metavar="FILTER", help="Also the runs that this lets pass.")
@click.option(
    "--baseline",
    metavar="RUN",
    help="Measure against this one, or its group. Default: the first.",
)
@click.option("--group-by", metavar="KEYS", help="Compare groups, such as config.lr, over seeds.")
@click.option(
    "--by",
    "statistic",
    type=click.Choice(["last", "best"]),
    default="last",
    show_default=True,
    help="What stands for a run in a group.",
)
@click.option("--all", "everything", is_flag=True, help="Also what does not differ.")
@click.option("--patch", is_flag=True, help="Also the uncommitted code, line by line.")
@click.option("--html", type=click.Path(dir_okay=False), metavar="FILE", help="Write a page.")
@json_option
@dir_option
def command(
    runs: tuple[str, ...],
    filter_: str | None,
    baseline: str | None,
    group_by: str | None,
    statistic: str,
    everything: bool,
    patch: bool,
    html: str | None,
    as_json: bool,
    dir: str | None,
) -> int:
    """Show what differs between runs: metrics, config, code, environment.

    With --group-by, show means over the runs of each group, and whether they differ by
    more than the noise between runs.
    """
    if any(run.startswith("wandb:") for run in runs):
        from trackerlite.cli import _diff_remote

        return _diff_remote.diff(runs, dir, everything, as_json)
    with Reader.open(dir) as reader:
        found = meant(reader, [*filter(None, [baseline]), *runs], filter_)  # the baseline first
        if group_by is not None:
            named = runs or filter_ is not None
            return _groups(
                reader,
                found if named else select_runs(reader),
                reader.run(baseline) if baseline else None,
                group_by,
                "best" if statistic == "best" else "last",
                as_json,
                html,
            )
        if len(found) < 2:
            if filter_ is not None:
                say(f"That is {counted(len(found), 'run')}; a comparison needs two.")
                return NOTHING_MATCHED
            raise click.UsageError("Name two or more runs, or some with --filter.")
        from trackerlite.readers.compare import compare

        comparison = compare(reader, found)
    if not everything:
        comparison = comparison.differing()
    if as_json:
        told = comparison.to_dict()
        emit(told | {"patches": list(comparison.patches)} if patch else told)
        return 0
    from trackerlite.cli import _diff

    _show(
        _diff.render(comparison, patch=patch, wide=_wide(html)),
        html,
        " vs ".join(run.name for run in found),
    )
    recorded = {name: rows for name, rows in comparison.sections.items() if name != "system"}
    if not comparison.metrics and not any(recorded.values()):
        say("Nothing differs. --all shows what they share.")
    return 0


def _groups(
    reader: Reader,
    runs: Sequence[RunInfo],
    baseline: RunInfo | None,
    group_by: str,
    statistic: str,
    as_json: bool,
    html: str | None,
) -> int:
    from trackerlite.readers.compare_groups import compare_groups

    groups = group_runs(reader, runs, group_by)
    if not runs:
        say("No run passes that filter.")
        return NOTHING_MATCHED
    if len(groups) < 2:
        say(f"All {len(runs)} runs are in one group of {group_by}; there is nothing to compare.")
        return NOTHING_MATCHED
    if baseline is not None:  # the group that it is in comes first, the others as they were
        groups.sort(key=lambda group: all(run.key != baseline.key for run in group.runs))
    comparison = compare_groups(reader, groups, "best" if statistic == "best" else "last")
    if as_json:
        emit(comparison.to_dict())
        return 0
    from trackerlite.cli import _diff_groups

    _show(_diff_groups.render(comparison, _wide(html)), html, f"groups of {group_by}")
    return 0


def _wide(html: str | None) -> int:
    return (html is None and width()) or _ANY_WIDTH


def _show(renderable: RenderableType, html: str | None, title: str) -> None:
    if html is not None:
        from trackerlite.cli._page import page

        Path(html).write_text(page(renderable, title), encoding="utf-8")
        say(f"Wrote {html}.")
        return
    out = console(
        width=width() or _ANY_WIDTH,
        no_color=not coloured(),
        force_terminal=coloured(),
        highlight=False,
        markup=False,
        emoji=False,
    )
    out.print(renderable)
