"""The programs that get killed. `python victims.py '{"role": …}'`, or forked by the nursery."""

from __future__ import annotations

import json
import os
import signal
import struct
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

ACK = struct.Struct("<Bq")
READY, DONE, REFUSED, ENDED = 0, 1, 2, 3


def die() -> None:
    """As the kernel's OOM killer does it: no handler, no flush, no goodbye."""
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60)


def arm(plan: dict[str, Any] | None) -> None:
    """Arrange the death that `plan` asks for."""
    if plan is None:
        return
    if plan["point"] == "write":
        _die_in_write(plan["after"], plan["part"])
    elif plan["point"] == "statement":
        _die_at_statement(plan["after"])
    elif plan["point"] == "file":
        _die_between_files(plan["after"])


def _die_in_write(after: int, part: float) -> None:
    """Put a part of the n-th record into the file, then die."""
    real, seen = os.write, 0

    def write(fd: int, data: bytes) -> int:
        nonlocal seen
        if os.readlink(f"/proc/self/fd/{fd}").rpartition("/")[2].startswith("events.out"):
            seen += 1
            if seen == after:
                real(fd, bytes(data)[: int(len(data) * part)])
                die()
        return real(fd, data)

    os.write = write


def _die_at_statement(after: int) -> None:
    """Die as SQLite begins the n-th statement of a connection that writes."""
    from trackerlite.store import connect

    real, seen = connect.open_writer, 0

    def count(statement: str) -> None:
        nonlocal seen
        seen += 1
        if seen == after:
            die()

    class Watched(connect.Connection):
        def __init__(self, *args: Any, **kwargs: Any):
            super().__init__(*args, **kwargs)
            self.set_trace_callback(count)

    def open_writer(path: Path) -> connect.Connection:
        connect.Connection, kept = Watched, connect.Connection
        try:
            return real(path)
        finally:
            connect.Connection = kept

    connect.open_writer = open_writer


def _die_between_files(after: int) -> None:
    """Die before the n-th time a file is removed or takes another's place."""
    seen = 0

    def counted(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            nonlocal seen
            seen += 1
            if seen == after:
                die()
            return real(*args, **kwargs)

        return call

    for name in ("unlink", "remove", "replace", "rename"):
        setattr(os, name, counted(getattr(os, name)))


def record(plan: dict[str, Any], tell: Callable[[int, int], None]) -> None:
    """Log operation after operation, each told when it was acknowledged."""
    import trackerlite as tl
    from faults.operations import operation, perform

    arm(plan.get("death"))
    run = tl.init(
        project="p",
        id=plan["id"],
        dir=plan["store"],
        config={"seed": plan["seed"], "nested": {"first": plan["first"]}},
        durable=plan.get("durable", False),
    )
    tell(READY, plan["first"])
    for number in range(plan["first"], plan["first"] + plan["count"]):
        acknowledged = perform(run, operation(plan["seed"], number))
        tell(DONE if acknowledged else REFUSED, number)
        if plan.get("pause"):
            time.sleep(plan["pause"])
    run.finish()
    tell(ENDED, 0)


def count(plan: dict[str, Any], tell: Callable[[int, int], None]) -> None:
    """Log one row after the other until somebody puts an end to it."""
    import trackerlite as tl
    from trackerlite.capture import environment

    if "boot" in plan:
        environment.boot_id = lambda: plan["boot"]
    run = tl.init(project="p", id=plan["id"], dir=plan["store"], durable=plan["durable"])
    number = 0
    while True:
        if run.log({"x": float(number), "seven": number * 7}, step=number):
            tell(DONE, number)
            number += 1
        else:
            time.sleep(0.01)
        if number % 100 == 0:
            time.sleep(0.002)


def read(plan: dict[str, Any], tell: Callable[[int, int], None]) -> None:
    """Open the store as any reader does: project what the dead left behind."""
    from trackerlite.readers import Reader

    arm(plan.get("death"))
    tell(READY, 0)
    Reader.open(plan["store"]).close()
    tell(ENDED, 0)


def migrate(plan: dict[str, Any], tell: Callable[[int, int], None]) -> None:
    """Open a store of the schema before with code that knows one more migration."""
    from faults.migration import next_schema
    from trackerlite.readers import Reader

    next_schema()
    arm(plan.get("death"))
    tell(READY, 0)
    Reader.open(plan["store"]).close()
    tell(ENDED, 0)


def claim(plan: dict[str, Any], tell: Callable[[int, int], None]) -> None:
    """Begin a run of a given id, at a given moment, and hold it for a while."""
    import trackerlite as tl
    from trackerlite.errors import RunInUse

    time.sleep(max(0.0, plan["at"] - time.time()))
    try:
        run = tl.init(project="p", id="one", dir=plan["store"])
    except RunInUse:
        tell(REFUSED, 0)
        return
    tell(READY, 0)
    for number in range(plan["count"]):
        if run.log({"x": float(plan["who"])}, step=plan["who"] * 1000 + number):
            tell(DONE, number)
        time.sleep(0.005)
    run.finish()
    tell(ENDED, 0)


def repair(plan: dict[str, Any], tell: Callable[[int, int], None]) -> None:
    """Rebuild the database from the journals, as `doctor --repair` does."""
    from trackerlite.doctor import examine

    arm(plan.get("death"))
    tell(READY, 0)
    examine(plan["store"], repair=True)
    tell(ENDED, 0)


ROLES = {
    "repair": repair,
    "record": record,
    "count": count,
    "read": read,
    "migrate": migrate,
    "claim": claim,
}


def main(plan: dict[str, Any], fd: int) -> None:
    """Play the role that `plan` names, telling through `fd`."""

    def tell(kind: int, number: int) -> None:
        os.write(fd, ACK.pack(kind, number))

    ROLES[plan["role"]](plan, tell)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]), int(sys.argv[2]))
