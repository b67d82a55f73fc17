"""The projector: journals in, rows out, each byte exactly once.

The rows of a journal's bytes [a, b) and the watermark b go in in one transaction,
so a projection that is killed, repeated or raced by another leaves the same rows.
There is no other way into the database.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterable
from math import isfinite
from pathlib import Path
from typing import Any

from trackerlite.errors import StoreBusy
from trackerlite.journal.events import Event
from trackerlite.journal.reader import Damage, End, JournalReader, is_whole_up_to
from trackerlite.journal.scalars import Decoder
from trackerlite.journal.stretches import Stretch, follow
from trackerlite.store import connect, run_row
from trackerlite.store.apply import EDITS, RunRows, tick
from trackerlite.store.filesystem import database_path, is_network
from trackerlite.store.journals import JournalFile, changed_at, journals_of
from trackerlite.store.lock import store_lock

BATCH = 2 << 20  # bytes of journal in one transaction
#: what a record that another program wrote, or damage that no checksum saw, can lead to
_NONSENSE = (
    KeyError, TypeError, ValueError, AttributeError, OverflowError, sqlite3.InterfaceError,
    sqlite3.ProgrammingError, sqlite3.IntegrityError, sqlite3.DataError,
)  # fmt: skip

Listener = Callable[[Path, int, Event | Stretch], None]


class Projector:
    """Brings the database of `store` up to date with its journals.

    Args:
        store: the `.trackerlite` folder.
        database: elsewhere, for a rebuild or a network store.
        listener: called with (journal, offset behind it, event or stretch of rows) for all that is taken in;
            again for what belongs to a transaction that had to be repeated.
    """

    def __init__(self, store: Path, database: Path | None = None, listener: Listener | None = None):
        self.store = store
        self._listener = listener
        self.database = database or database_path(store)
        self.lock_folder = self.database.parent
        self._connection: connect.Connection | None = None
        self._identity: tuple[int, int] | None = None
        self._decoder = Decoder()
        self._compared: set[int] = set()  # runs of which no journal can have lost anything since

    # -- connection -------------------------------------------------------------------

    def _connect(self) -> connect.Connection:
        """The connection; a new one if the database was deleted or replaced meanwhile."""
        if self._connection is not None and self._identity != connect.identity(self.database):
            self._connection.close()
            self._connection = None
        if self._connection is None:
            try:
                self._connection = connect.open_writer(self.database)
            except sqlite3.DatabaseError as error:
                if not connect.is_corrupt(error):
                    raise
                self._set_aside()
                self._connection = connect.open_writer(self.database)
            self._identity = connect.identity(self.database)
            self._compared.clear()
        return self._connection

    def _set_aside(self) -> None:
        """Move a damaged database out of the way; all of it comes back from the journals."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        stamp = time.strftime("%Y%m%d-%H%M%S")
        for suffix in ("", "-wal", "-shm"):
            old = Path(f"{self.database}{suffix}")
            if old.exists():
                old.replace(f"{self.database}.damaged-{stamp}{suffix}")

    def close(self) -> None:
        """Close the connection (under the lock: the last close checkpoints)."""
        if self._connection is None:
            return
        connection, self._connection = self._connection, None
        try:
            with store_lock(self.lock_folder, timeout=5.0):
                connection.close()
        except (StoreBusy, OSError):
            connection.close()

    # -- projecting -------------------------------------------------------------------

    def project_run(self, folder: Path, *, timeout: float = 2.0) -> int:
        """Project every journal of one run; return the bytes taken in.

        Raises:
            StoreBusy: the lock was not free in time; nothing was changed.
            sqlite3.OperationalError: the database is locked by someone else, likewise.
            StoreTooNew: a newer trackerlite wrote the database.
        """
        done, more = 0, True
        while more:
            step, more = self.project_some(folder, timeout=timeout)
            done += step
        return done

    def project_some(self, folder: Path, *, timeout: float = 2.0) -> tuple[int, bool]:
        """As `project_run`, one transaction of it: (bytes taken in, whether more is waiting)."""
        while True:
            try:
                return self._project_batch(folder, timeout)
            except sqlite3.DatabaseError as error:
                if not connect.is_corrupt(error):
                    raise
                with store_lock(self.lock_folder, timeout=timeout):
                    self._set_aside()

    def _project_batch(self, folder: Path, timeout: float) -> tuple[int, bool]:
        """One transaction over one run: (bytes taken in, whether more is waiting)."""
        changed = changed_at(folder)
        journals = journals_of(folder)
        identity = run_row.identify(folder, journals)
        if identity is None:  # it is just beginning, and has not said who it is
            return 0, False
        self.database.parent.mkdir(parents=True, exist_ok=True)
        with store_lock(self.lock_folder, timeout=timeout):
            connection = self._connect()
            connection.execute("BEGIN IMMEDIATE")
            try:
                run_key = run_row.key_of(connection, self._name(folder), identity)
                self._forget_if_replaced(connection, run_key, journals)
                done, more = self._take_in(connection, run_key, journals)
                connection.execute(
                    "UPDATE run SET folder_changed=? WHERE key=?", (0 if more else changed, run_key)
                )
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
            self._compared.add(run_key)
        return done, more

    def _take_in(
        self, connection: sqlite3.Connection, run_key: int, journals: list[JournalFile]
    ) -> tuple[int, bool]:
        rows = RunRows(connection, run_key)
        budget, done, more = BATCH, 0, False
        heartbeat: float | None = None
        clocks: dict[str, float] = {}
        for journal in journals:
            name = self._name(journal.path)
            found = connection.execute(
                "SELECT key, watermark, clock, dead_at FROM journal WHERE path=?", (name,)
            ).fetchone()
            if found is None:
                # A clock that was set back must not make a resumed run's words older
                # than what it said before: a journal goes on from its predecessor's.
                clock = clocks.get(journal.lane, 0.0)
                key = connection.execute(
                    "INSERT INTO journal (run_key, path, lane, clock) VALUES (?, ?, ?, ?) RETURNING key",
                    (run_key, name, journal.lane, clock),
                ).fetchone()[0]
                watermark, dead_at = 0, None
            else:
                key, watermark, clock, dead_at = found
            try:
                size = journal.path.stat().st_size
            except OSError:
                continue
            if size > watermark and size != dead_at:
                if budget <= 0:
                    more = True
                    break
                offset, clock, last, closed, whole = self._read(
                    connection, rows, journal, key, watermark, clock, budget
                )
                done += offset - watermark
                budget -= offset - watermark
                if last is not None and journal.lane != EDITS:
                    heartbeat = max(heartbeat or 0.0, last)
                dead = size if whole is End.DEAD else None
                connection.execute(
                    "UPDATE journal SET watermark=?, clock=?, closed=?, dead_at=?, projected=? WHERE key=?",
                    (offset, clock, int(closed), dead, time.time(), key),
                )
                if offset < size and whole is None:
                    more = True
                    break
            clocks[journal.lane] = max(clock, clocks.get(journal.lane, 0.0))
        rows.flush(heartbeat)  # the watermarks say that all of it was taken in
        return done, more

    def _read(
        self,
        connection: sqlite3.Connection,
        rows: RunRows,
        journal: JournalFile,
        key: int,
        watermark: int,
        clock: float,
        budget: int,
    ) -> tuple[int, float, float | None, bool, End | None]:
        """Apply up to `budget` bytes; the last item is None where the budget ended it."""
        reader = JournalReader(journal.path, watermark)
        lane, listener = journal.lane, self._listener
        last: float | None = None
        closed = False
        ended: End | None = End.CLEAN
        for start, said in follow(reader, self._decoder, watermark + budget):
            if isinstance(said, Damage):
                _note_damage(connection, key, [said])
                continue
            try:
                if isinstance(said, Stretch):
                    last = clock = rows.apply_stretch(said, clock, lane)
                    closed = False
                else:
                    if not isfinite(said.time):
                        said.time = clock
                    last = clock = tick(clock, said.time)
                    closed = _closes(said)
                    rows.apply(said, clock, lane)
            except _NONSENSE as error:
                note = f"a record could not be understood ({type(error).__name__}: {error})"
                _note_damage(connection, key, [(start, reader.offset, note)])
            if listener is not None:
                listener(journal.path, reader.offset, said)
            if reader.offset - watermark >= budget:
                ended = None
                break
        else:
            ended = reader.end
        _note_damage(connection, key, [(d.start, d.stop, d.reason) for d in reader.damage])
        return reader.offset, clock, last, closed, ended

    def _forget_if_replaced(
        self, connection: sqlite3.Connection, run_key: int, journals: Iterable[JournalFile]
    ) -> None:
        """Start a run afresh whose journals are no longer those that were projected.

        A power cut takes what was not synced: of a journal its last second, which the database
        may have, where it was synced in between.
        """
        sizes = {}
        for journal in journals:
            try:
                sizes[self._name(journal.path)] = journal.path.stat().st_size
            except OSError:
                continue
        rows = connection.execute(
            "SELECT path, watermark FROM journal WHERE run_key=?", (run_key,)
        ).fetchall()
        replaced = any(sizes.get(path, 0) < watermark for path, watermark in rows)
        if (
            not replaced
            and run_key not in self._compared
            and run_row.was_cut_off(connection, run_key)
        ):
            replaced = not all(
                is_whole_up_to(self.store / path, stop) for path, stop in rows if stop
            )
        if replaced:
            run_row.forget(connection, run_key)

    def _name(self, path: Path) -> str:
        return path.relative_to(self.store).as_posix()

    # -- for `behind` -----------------------------------------------------------------

    def read(self, query: str, timeout: float = 10.0) -> list[tuple[Any, ...]]:
        """The rows of a query, under the lock; none, and the database set aside, where it is damaged."""
        with store_lock(self.lock_folder, timeout=timeout):
            try:
                return self._connect().execute(query).fetchall()
            except sqlite3.DatabaseError as error:
                if not connect.is_corrupt(error):
                    raise
                self._set_aside()
                return []

    def write(self, statement: str, rows: list[tuple[Any, ...]], timeout: float) -> None:
        """Run a statement for each of some rows, under the lock."""
        with store_lock(self.lock_folder, timeout=timeout):
            self._connect().executemany(statement, rows)


def of_writer(store: Path, listener: Listener | None = None) -> Projector | None:
    """The projector of who writes a journal in `store`; None on a network file system, where SQLite
    is left to whoever reads, on their own machine."""
    return None if is_network(store) else Projector(store, listener=listener)


def _closes(event: Event) -> bool:
    return event.record is not None and event.record["t"] == "finish"


def _note_damage(
    connection: sqlite3.Connection, journal: int, found: list[tuple[int, int, str]]
) -> None:
    connection.executemany(
        "INSERT OR REPLACE INTO damage (journal_key, start, stop, reason) VALUES (?, ?, ?, ?)",
        [(journal, *row) for row in found],
    )
