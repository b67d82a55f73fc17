"""Runs at W&B through its public API, as experiments of ours.

The filter language means the same as here: simple comparisons of summary numbers are left to the
server, which so sends fewer pages, and every run that comes is judged by the filter itself.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Any

from trackerlite import values
from trackerlite.backends.base import Experiment
from trackerlite.backends.credentials import Credentials
from trackerlite.backends.errors import NotThere, RemoteError, for_status, unreachable
from trackerlite.readers.filters import Filter, Subject
from trackerlite.readers.filters.syntax import And, Compare, Series

_STATES = {"crashed": "dead"}  # W&B's word for a run whose heartbeat stopped
_OPERATORS = {"<": "$lt", "<=": "$lte", ">": "$gt", ">=": "$gte"}


def experiments(
    credentials: Credentials,
    entity: str,
    project: str | None,
    filter: str = "",
    limit: int | None = None,
) -> Iterator[Experiment]:
    """Runs that pass, newest first within a project, page by page.

    Raises:
        FilterError: `filter` cannot be understood.
        RemoteError: the server cannot be asked.
    """
    parsed = Filter(filter) if filter.strip() else None
    found = 0
    try:
        api = _api(credentials)
        for name in [project] if project else _projects(api, entity):
            runs = api.runs(
                f"{entity}/{name}",
                filters=_narrowed(parsed),
                order="-created_at",
                per_page=100,
                lazy=False,
            )
            for run in runs:
                one = _experiment(run)
                if parsed is None or parsed.matches(_subject(one)):
                    yield one
                    found += 1
                    if found == limit:
                        return
    except Exception as error:
        raise _ours(error, credentials) from error


def one_experiment(credentials: Credentials, entity: str, project: str, run: str) -> Experiment:
    """One run.

    Raises:
        NotThere, RemoteError.
    """
    try:
        return _experiment(_api(credentials).run(f"{entity}/{project}/{run}"))
    except RemoteError:
        raise
    except Exception as error:
        raise _ours(error, credentials) from error


def _api(credentials: Credentials) -> Any:
    if importlib.util.find_spec("wandb") is None:
        raise RemoteError(
            "Searching at W&B needs its own package: run `pip install 'trackerlite[wandb]'`."
        )
    # Its API runs in a process of its own, and 30 s are too few for that to start on a busy machine.
    os.environ.setdefault("WANDB__SERVICE_WAIT", "300")
    os.environ.setdefault("WANDB_ERROR_REPORTING", "false")  # nothing is told to anybody unasked
    wandb = importlib.import_module("wandb")
    return wandb.Api(overrides={"base_url": credentials.url}, api_key=credentials.key, timeout=30)


def _projects(api: Any, entity: str) -> Iterator[str]:
    for project in api.projects(entity):
        yield str(project.name)


def _narrowed(parsed: Filter | None) -> dict[str, Any]:
    """A condition that every passing run satisfies, in W&B's terms; never a stricter one."""
    if parsed is None:
        return {}
    expression = parsed.expression
    terms = expression.terms if isinstance(expression, And) else (expression,)
    narrow = [
        # Where define_metric asked for the last value, W&B has it as {"last": …}.
        {
            "$or": [
                {
                    f"summary_metrics.{term.operand.key}{end}": {
                        _OPERATORS[term.operator]: term.number
                    }
                }
                for end in ("", ".last")
            ]
        }
        for term in terms
        if isinstance(term, Compare)
        and isinstance(term.operand, Series)
        and term.operand.plain
        and term.operand.stream == "history"
        and term.operator in _OPERATORS
    ]
    return {"$and": narrow} if narrow else {}


def _experiment(run: Any) -> Experiment:
    config = values.flatten({k: v for k, v in dict(run.config).items() if not k.startswith("_")})
    summary = _summary(run)
    steps = summary.get("_step")
    return Experiment(
        backend="wandb",
        id=f"{run.entity}/{run.project}/{run.id}",
        project=run.project,
        entity=run.entity,
        name=run.name or run.id,
        state=_STATES.get(run.state, run.state),
        config=config,
        summary={k: v for k, v in summary.items() if not k.startswith("_")},
        tags=tuple(run.tags or ()),
        notes=getattr(run, "notes", None),
        group=getattr(run, "group", None),
        job_type=getattr(run, "job_type", None),
        started=_moment(run.created_at),
        steps=int(steps) if isinstance(steps, (int, float)) else None,
        url=run.url,
    )


def _summary(run: Any) -> dict[str, Any]:
    found = run.summary
    raw = getattr(found, "_json_dict", None)
    plain = dict(raw if isinstance(raw, dict) else found)
    flat = values.flatten({k: v for k, v in plain.items() if k != "_wandb"})
    for name, value in plain.items():
        if isinstance(value, dict) and f"{name}.last" in flat:  # define_metric asked for it
            flat[name] = flat.pop(f"{name}.last")
    words = {"NaN", "Infinity", "-Infinity"}
    return {k: float(v) if isinstance(v, str) and v in words else v for k, v in flat.items()}


def _subject(one: Experiment) -> Subject:
    fields = {
        "name": one.name,
        "id": one.id.rpartition("/")[2],
        "project": one.project,
        "group": one.group,
        "job_type": one.job_type,
        "notes": one.notes,
        "state": one.state,
        "tag": one.tags,
        "artifact": (),
        "alert": (),
        "started": one.started,
        "steps": one.steps,
    }
    return Subject(fields, config=one.config, summary=one.summary)


def _moment(text: Any) -> float | None:
    try:
        found = datetime.fromisoformat(str(text).replace("Z", "+00:00"))
    except ValueError:
        return None
    return found.replace(tzinfo=found.tzinfo or timezone.utc).timestamp()


def _ours(error: Exception, credentials: Credentials) -> Exception:
    """wandb's errors in our words; anything that is ours already stays."""
    from trackerlite.errors import TrackerliteError

    if isinstance(error, TrackerliteError):
        return error
    host = credentials.url.rpartition("//")[2]
    text = str(error)
    response = getattr(getattr(error, "exc", error), "response", None)
    status = getattr(response, "status_code", 0) or getattr(response, "http_status", 0)
    if isinstance(status, int) and status >= 400:
        return for_status(status, host, _said(text))
    if "port info" in text:
        return RemoteError(
            "wandb's own core did not start in time; this machine may be very busy. Nothing was asked "
            "of the server. Run the same command again."
        )
    lowered = text.lower()
    if "could not find" in lowered or "not found" in lowered:
        return NotThere(f"{host} does not have that: {text[:200]}")
    for number in (401, 403, 404, 429, 500):
        if str(number) in text:
            return for_status(number, host, _said(text))
    return unreachable(host, error)


def _said(text: str) -> str:
    try:
        return str(json.loads(text)["errors"][0]["message"])
    except (ValueError, KeyError, IndexError, TypeError):
        return text[:200]
