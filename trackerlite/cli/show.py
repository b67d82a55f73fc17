"""`trackerlite show`: all there is to know about one run."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from trackerlite.cli._cells import cells_wide, cut, fold, width
from trackerlite.cli._human import ago, date, duration, number, value
from trackerlite.cli._options import dir_option, json_option, run_argument, verb
from trackerlite.cli._output import emit, paint
from trackerlite.cli._rows import label
from trackerlite.cli._runs import STATE_STYLES, as_dict
from trackerlite.readers import Reader
from trackerlite.readers.usage import usage
from trackerlite.text import counted, lines, plain

if TYPE_CHECKING:
    from collections.abc import Iterable

    from trackerlite.readers import AlertInfo, RunInfo, SeriesInfo

# Said above already, or of use to programs only.
_TOLD = {"host", "pid", "started", "resumed", "boot_id", "rank", "world_size"}


@verb(
    examples="""
    trackerlite show baseline
    trackerlite show demo/baseline
    trackerlite show 3fq8 --json | jq .config
    """
)
@run_argument
@json_option
@dir_option
def command(run: str, as_json: bool, dir: str | None) -> None:
    """Describe RUN: state, config, summary, metrics, code, machine.

    RUN is an id, the beginning of one, a name, or PROJECT/… of these.
    """
    with Reader.open(dir) as reader:
        info = reader.run(run)
        config = reader.params([info.key]).get(info.key, {})
        summary = reader.summaries([info.key]).get(info.key, {})
        series = reader.series([info.key])
        used = usage(reader.series([info.key], stream="system"))
        environment = reader.environment(info.key)
        alerts = list(reader.alerts(info.key))
        artifacts = list(reader.artifacts(info.key))
    if as_json:
        emit(
            as_dict(info)
            | {
                "config": config,
                "summary": summary,
                "metrics": [
                    {"key": s.name, "rank": s.rank, "count": s.count, "last": s.last}
                    for s in series
                ],
                "system": used,
                "environment": environment,
                "alerts": [alert._asdict() for alert in alerts],
                "artifacts": [artifact._asdict() for artifact in artifacts],
            }
        )
        return
    room = width()
    name = plain(info.name)
    print(
        paint(cut(name, max(8, room - 24)) if room else name, "bold"),
        paint(plain(info.id), "cyan"),
        paint(plain(info.state), STATE_STYLES.get(info.state)),
        sep="  ",
    )
    _section(None, _facts(info))
    _section("notes", [("", line) for line in _wrapped(info.notes or "")])
    _section("config", ((key, value(v)) for key, v in sorted(config.items())))
    _section("summary", ((key, value(v)) for key, v in sorted(summary.items())))
    _section("metrics", ((label(s), _spread(s)) for s in series))
    _section("use of the machine", ((key, value(v)) for key, v in used.items()))
    _section("machine and code", _environment(environment))
    _section("alerts", ((date(a.time), _alert(a)) for a in alerts))
    _section("artifacts", ((f"{a.name}:{a.version}", f"{a.type} ({a.use})") for a in artifacts))


def _facts(run: RunInfo) -> Iterable[tuple[str, str]]:
    yield "project", run.project
    yield "group", run.group or ""
    yield "job type", run.job_type or ""
    yield "tags", ", ".join(run.tags)
    yield "started", f"{date(run.started)} ({ago(run.started, time.time())})"
    yield "took", duration(run.duration)
    yield "steps", "" if run.steps is None else str(run.steps)
    yield "ended", run.reason or ("" if run.exit_code is None else f"exit code {run.exit_code}")
    pid = "" if run.pid is None else f", pid {run.pid}"  # an imported run has none here
    yield "host", f"{run.host}{pid}" if run.host else ""
    yield "folder", str(run.folder)
    yield "trash", "yes; `trackerlite restore` brings it back" if run.trashed else ""


def _spread(series: SeriesInfo) -> str:
    last, low, high = map(number, (series.last, series.minimum, series.maximum))
    return f"{last:<10} lowest {low:<10} highest {high:<10} {counted(series.count, 'point')}"


def _wrapped(text: str) -> list[str]:
    room = width()
    return [part for line in lines(text) for part in fold(line, room and room - 2)]


def _alert(alert: AlertInfo) -> str:
    return f"{alert.level or ''} {alert.title}: {alert.text or ''}".strip(" :")


def _environment(environment: dict[str, Any]) -> Iterable[tuple[str, str]]:
    for key, entry in environment.items():
        if key in _TOLD:
            continue
        if key == "packages":
            yield key, f"{len(entry)}: `--json` lists them"
        elif isinstance(entry, dict):
            for inner, detail in entry.items():
                if isinstance(detail, str) and "\n" in detail:
                    detail = f"{len(detail.splitlines())} lines"
                yield f"{key}.{inner}", value(detail)
        else:
            yield key, value(entry)


def _section(title: str | None, rows: Iterable[tuple[str, str]]) -> None:
    """Print rows of a name and a text; those with no text are left out, and so is no row at all."""
    found = [(plain(key), plain(text)) for key, text in rows if text]
    if not found:
        return
    if title:
        print(f"\n{paint(title.upper(), 'dim')}")
    wide = min(28, max(cells_wide(key) for key, _ in found))
    room = width()
    for key, text in found:
        name = cut(key, wide) if room else key
        line = f"  {name}{' ' * (wide - cells_wide(name))}{'  ' if wide else ''}{text}"
        print(cut(line, room) if room else line)
