"""One migration more than was released, to be killed in."""

from __future__ import annotations

STATEMENTS = """
CREATE TABLE later_one (key INTEGER PRIMARY KEY, text TEXT);
INSERT INTO later_one SELECT key, run_id FROM run;
CREATE TABLE later_two (key INTEGER PRIMARY KEY);
INSERT INTO later_two SELECT key FROM run;
ALTER TABLE run ADD COLUMN later TEXT;
UPDATE run SET later = 'yes';
"""


def next_schema() -> None:
    """Make this process one that knows the next schema."""
    from trackerlite.store import schema

    schema.MIGRATIONS = [*schema.MIGRATIONS, ("9999_later", STATEMENTS)]
    schema.VERSION = len(schema.MIGRATIONS)
