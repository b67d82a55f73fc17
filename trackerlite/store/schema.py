"""The schema, as migrations; and the views that are its stable interface.

Tables may change; the views `runs, metrics, system_metrics, params, summary, tags,
artifacts, alerts` keep their columns. Everything here can be rebuilt from the journals.
"""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

from trackerlite.errors import StoreTooNew

TABLES = """
CREATE TABLE run (
    key INTEGER PRIMARY KEY,
    folder TEXT NOT NULL UNIQUE,             -- below the store: runs/<project>/<name>-<id>
    folder_changed INTEGER NOT NULL DEFAULT 0,  -- its mtime in ns when last looked at
    run_id TEXT UNIQUE,                      -- the id; project/id where another project has it too
    id TEXT, project TEXT,
    name TEXT, name_at REAL NOT NULL DEFAULT 0,
    run_group TEXT, job_type TEXT,
    notes TEXT, notes_at REAL NOT NULL DEFAULT 0,
    trashed INTEGER NOT NULL DEFAULT 0, trashed_at REAL NOT NULL DEFAULT 0,
    state TEXT NOT NULL DEFAULT 'running', exit_code INTEGER, reason TEXT,
    started REAL, ended REAL, heartbeat REAL,
    host TEXT, pid INTEGER, boot_id TEXT,
    last_step INTEGER,
    dropped INTEGER NOT NULL DEFAULT 0,      -- records the writer had to drop, as it counted them
    environment TEXT NOT NULL DEFAULT '{}'
);
CREATE TABLE journal (
    key INTEGER PRIMARY KEY,
    run_key INTEGER NOT NULL REFERENCES run(key),
    path TEXT NOT NULL UNIQUE,               -- below the store
    lane TEXT NOT NULL,                      -- '' | rank-<r> | fork-<pid> | edits: one writer at a time
    watermark INTEGER NOT NULL DEFAULT 0,    -- bytes whose rows are in this database
    clock REAL NOT NULL DEFAULT 0,           -- the latest time in it; never goes back
    closed INTEGER NOT NULL DEFAULT 0,       -- ends in a finish record
    dead_at INTEGER,                         -- its size when nothing behind the watermark could be read
    projected REAL NOT NULL DEFAULT 0
);
CREATE INDEX journal_run ON journal(run_key);
CREATE TABLE damage (
    journal_key INTEGER NOT NULL, start INTEGER NOT NULL, stop INTEGER NOT NULL, reason TEXT NOT NULL,
    PRIMARY KEY (journal_key, start)
) WITHOUT ROWID;
CREATE TABLE series (
    key INTEGER PRIMARY KEY,
    run_key INTEGER NOT NULL REFERENCES run(key),
    stream TEXT NOT NULL,                    -- history | system | value (what is no number)
    name TEXT NOT NULL,
    lane TEXT NOT NULL, rank INTEGER NOT NULL,
    total INTEGER NOT NULL DEFAULT 0,        -- points ever logged; the next index
    points INTEGER NOT NULL DEFAULT 0,       -- of them visible (not rewound)
    finite INTEGER NOT NULL DEFAULT 0,
    first, last, last_kind INTEGER,
    minimum REAL, min_at INTEGER, maximum REAL, max_at INTEGER, total_value REAL DEFAULT 0,  -- NULL: beyond float64
    first_step INTEGER, last_step INTEGER, min_step INTEGER, max_step INTEGER,
    first_time REAL, last_time REAL,
    last_clock REAL,                         -- the clock of its journal then: orders it against a summary set by hand
    sealed INTEGER NOT NULL DEFAULT 0,       -- points whose envelope is written
    step_metric TEXT, summary TEXT, goal TEXT, unit TEXT, alarm TEXT, hidden INTEGER NOT NULL DEFAULT 0,
    UNIQUE (run_key, stream, name, lane)
);
CREATE INDEX series_name ON series(stream, name);
-- A point's key is its series' key << 40 | its index in the series: clustered like
-- (series, index) without a rowid, at half the cost per row.
CREATE TABLE point (
    key INTEGER PRIMARY KEY, step INTEGER, time REAL,
    value,                                   -- integer or real as logged; NULL for NaN
    mark INTEGER                             -- NULL for most; 1 NaN, 2 -0.0, 3 bool; 16 more where rewound
);
CREATE TABLE value (
    key INTEGER PRIMARY KEY, step INTEGER, time REAL, json TEXT NOT NULL, mark INTEGER
);
-- Its key is series << 40 | level << 34 | chunk: 16 buckets a row, three rows a page.
CREATE TABLE envelope (key INTEGER PRIMARY KEY, buckets BLOB NOT NULL);
CREATE TABLE param (
    run_key INTEGER NOT NULL, key TEXT NOT NULL, value, json TEXT NOT NULL, at REAL NOT NULL,
    PRIMARY KEY (run_key, key)
) WITHOUT ROWID;
CREATE TABLE summary_value (
    run_key INTEGER NOT NULL, key TEXT NOT NULL, value, json TEXT, at REAL NOT NULL,  -- json NULL: removed
    PRIMARY KEY (run_key, key)
) WITHOUT ROWID;
CREATE TABLE tag (
    run_key INTEGER NOT NULL, tag TEXT NOT NULL, present INTEGER NOT NULL, at REAL NOT NULL,
    PRIMARY KEY (run_key, tag)
) WITHOUT ROWID;
CREATE TABLE definition (
    run_key INTEGER NOT NULL, pattern TEXT NOT NULL, body TEXT NOT NULL, at REAL NOT NULL,
    PRIMARY KEY (run_key, pattern)
) WITHOUT ROWID;
CREATE TABLE artifact (
    key INTEGER PRIMARY KEY, run_key INTEGER NOT NULL, time REAL NOT NULL, use TEXT NOT NULL,
    name TEXT NOT NULL, type TEXT, version TEXT, digest TEXT, size INTEGER, body TEXT NOT NULL
);
CREATE INDEX artifact_run ON artifact(run_key);
CREATE TABLE alert (
    key INTEGER PRIMARY KEY, run_key INTEGER NOT NULL, time REAL NOT NULL, step INTEGER,
    title TEXT NOT NULL, text TEXT, level TEXT, metric TEXT
);
CREATE INDEX alert_run ON alert(run_key);
"""

VIEWS = """
CREATE VIEW runs AS
    SELECT run_id, project, id, name, state, run_group, job_type, notes, started, ended, heartbeat,
           COALESCE(ended, heartbeat) - started AS duration, host, pid, exit_code, reason, last_step, dropped
    FROM run WHERE trashed = 0 AND run_id IS NOT NULL;
CREATE VIEW metrics AS
    SELECT run.run_id, series.name AS key, point.step, point.time, point.value, series.rank
    FROM run JOIN series ON series.run_key = run.key AND series.stream = 'history'
             JOIN point ON point.key >= series.key << 40 AND point.key < (series.key + 1) << 40
    WHERE run.trashed = 0 AND (point.mark IS NULL OR point.mark < 16);
CREATE VIEW system_metrics AS
    SELECT run.run_id, series.name AS key, point.time, point.value, series.rank
    FROM run JOIN series ON series.run_key = run.key AND series.stream = 'system'
             JOIN point ON point.key >= series.key << 40 AND point.key < (series.key + 1) << 40
    WHERE run.trashed = 0 AND (point.mark IS NULL OR point.mark < 16);
CREATE VIEW params AS
    SELECT run.run_id, param.key, param.value
    FROM run JOIN param ON param.run_key = run.key WHERE run.trashed = 0;
CREATE VIEW summary_entry AS
    -- a name may have been numbers at times and text at others: SQLite takes the other
    -- columns from the row with the MAX
    SELECT run_key, name AS key, last AS value, last_kind AS kind, MAX(last_clock) AS at, stream FROM series
        WHERE stream <> 'system' AND points > 0 AND rank = 0 AND lane NOT LIKE 'fork%'
              AND (summary IS NULL OR summary LIKE '%"last"%')
        GROUP BY run_key, name
    UNION ALL
    SELECT run_key, name || '.min', minimum, NULL, last_clock, stream FROM series
        WHERE stream = 'history' AND finite > 0 AND rank = 0 AND summary LIKE '%"min"%'
    UNION ALL
    SELECT run_key, name || '.max', maximum, NULL, last_clock, stream FROM series
        WHERE stream = 'history' AND finite > 0 AND rank = 0 AND summary LIKE '%"max"%'
    UNION ALL
    SELECT run_key, name || '.mean', total_value / finite, NULL, last_clock, stream FROM series
        WHERE stream = 'history' AND finite > 0 AND rank = 0 AND summary LIKE '%"mean"%'
    UNION ALL
    SELECT run_key, name || '.first', first, NULL, last_clock, stream FROM series
        WHERE stream = 'history' AND points > 0 AND rank = 0 AND summary LIKE '%"first"%'
    UNION ALL
    SELECT run_key, name || '.best', CASE goal WHEN 'max' THEN maximum ELSE minimum END, NULL, last_clock, stream
        FROM series WHERE stream = 'history' AND finite > 0 AND rank = 0 AND summary LIKE '%"best"%';
CREATE VIEW summary AS
    SELECT run.run_id, e.key, e.value
    FROM run JOIN summary_entry AS e ON e.run_key = run.key
             LEFT JOIN summary_value AS s ON s.run_key = e.run_key AND s.key = e.key
    WHERE run.trashed = 0 AND (s.key IS NULL OR s.at < e.at)
    UNION ALL
    SELECT run.run_id, s.key, s.value
    FROM run JOIN summary_value AS s ON s.run_key = run.key
    WHERE run.trashed = 0 AND s.json IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM summary_entry AS e WHERE e.run_key = s.run_key AND e.key = s.key AND e.at > s.at);
CREATE VIEW tags AS
    SELECT run.run_id, tag.tag FROM run JOIN tag ON tag.run_key = run.key
    WHERE run.trashed = 0 AND tag.present = 1;
CREATE VIEW artifacts AS
    SELECT run.run_id, artifact.use, artifact.name, artifact.type, artifact.version, artifact.digest,
           artifact.size, artifact.time
    FROM run JOIN artifact ON artifact.run_key = run.key WHERE run.trashed = 0;
CREATE VIEW alerts AS
    SELECT run.run_id, alert.time, alert.step, alert.title, alert.text, alert.level, alert.metric
    FROM run JOIN alert ON alert.run_key = run.key WHERE run.trashed = 0;
"""

#: The migrations in order. Only ever append: what was released is fixed.
MIGRATIONS: list[tuple[str, str]] = [("0001_tables_and_views", TABLES + VIEWS)]
SET = "trackerlite"
VERSION = len(MIGRATIONS)

VIEW_NAMES = (
    "runs", "metrics", "system_metrics", "params", "summary", "tags", "artifacts", "alerts",
)  # fmt: skip


def version(connection: sqlite3.Connection) -> int:
    """The number of migrations the database has seen (0: it is empty)."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def check(connection: sqlite3.Connection, path: Path) -> int:
    """The database's version, refused if this code does not know it.

    Raises:
        StoreTooNew: a newer trackerlite wrote it.
    """
    found = version(connection)
    if found > VERSION:
        raise StoreTooNew(
            f"{path} was written by a newer trackerlite (schema {found}, this one knows {VERSION}). "
            "Nothing was changed. Upgrade trackerlite, or point --dir at another store; "
            "runs recorded meanwhile are safe in their journals."
        )
    return found


def bring_up_to_date(connection: sqlite3.Connection, path: Path) -> None:
    """Create or migrate the schema: each migration whole or not at all.

    The caller holds the store's lock.
    """
    found = check(connection, path)
    if found == 0:
        _create(connection)
    elif found < VERSION:
        _migrate(connection)


def _create(connection: sqlite3.Connection) -> None:
    """The whole schema in one transaction.

    Without sqlite-utils: it imports pandas where that is installed, which would
    cost a training process a quarter of a second and 50 MB.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        for _, script in MIGRATIONS:
            _run(connection, script)
        connection.execute(
            "CREATE TABLE _sqlite_migrations (id INTEGER PRIMARY KEY, migration_set TEXT, name TEXT, applied_at TEXT)"
        )
        connection.execute(
            "CREATE UNIQUE INDEX idx__sqlite_migrations_migration_set_name ON _sqlite_migrations(migration_set, name)"
        )
        now = time.strftime("%Y-%m-%d %H:%M:%S+00:00", time.gmtime())
        connection.executemany(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES (?, ?, ?)",
            [(SET, name, now) for name, _ in MIGRATIONS],
        )
        connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def _migrate(connection: sqlite3.Connection) -> None:
    """Apply what is missing, each migration in a transaction of its own."""
    import sqlite_utils
    from sqlite_utils.migrations import Migrations

    migrations = Migrations(SET)
    for number, (name, script) in enumerate(MIGRATIONS, start=1):

        def apply(db: sqlite_utils.Database, script: str = script, number: int = number) -> None:
            _run(db.conn, script)
            db.conn.execute(f"PRAGMA user_version = {number}")

        migrations(name=name)(apply)
    migrations.apply(sqlite_utils.Database(connection))


def _run(connection: sqlite3.Connection, script: str) -> None:
    """Execute a script statement by statement, inside the transaction that is open."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if line.split("--")[0].rstrip().endswith(";") and sqlite3.complete_statement(statement):
            connection.execute(statement)
            statement = ""
