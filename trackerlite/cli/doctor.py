"""`trackerlite doctor`: is what was recorded still whole?"""

from __future__ import annotations

import click

from trackerlite.cli import DONE, FAILED
from trackerlite.cli._cells import fold, width
from trackerlite.cli._options import dir_option, json_option, verb
from trackerlite.cli._output import emit, paint, say
from trackerlite.doctor import Finding, Report, examine
from trackerlite.text import counted, plain

_STYLES = {"damage": "red", "database": "yellow", "note": "dim"}


@verb(
    examples="""
    trackerlite doctor
    trackerlite doctor --repair
    trackerlite doctor --json
    """
)
@click.option("--repair", is_flag=True, help="Rebuild the database from the journals.")
@json_option
@dir_option
def command(repair: bool, as_json: bool, dir: str | None) -> int:
    """Verify journals, database and artifacts against each other.

    The exit code is the verdict: 0 when all is whole, 1 when something is damaged.
    --repair makes the database anew; it never changes a journal.
    """
    report = examine(dir, repair=repair)
    if as_json:
        emit(report.as_dict())
    else:
        for finding in report.findings:
            _print(finding, report)
        say(_verdict(report))
    return DONE if report.ok else FAILED


def _print(finding: Finding, report: Report) -> None:
    path = finding.path
    if path.is_relative_to(report.store) and path != report.store:
        path = path.relative_to(report.store)
    kind = f"{finding.kind:<8}"
    first, *more = fold(f"{kind}  {plain(path)}: {plain(finding.text)}", width(), indent=10)
    print(first.replace(kind, paint(kind, _STYLES.get(finding.kind)), 1), *more, sep="\n")


def _verdict(report: Report) -> str:
    read = (
        f"{counted(report.records, 'record')} in {counted(report.journals, 'journal')} "
        f"of {counted(report.runs, 'run')}"
    )
    made = "The database was made anew. " if report.repaired else ""
    if report.ok:
        return f"{made}All is whole: {read}."
    return f"{made}Not all is whole: {read} can be read; the lines above say what is not."
