"""Generated filters against generated runs: SQL and plain Python must agree."""

from __future__ import annotations

import ast
import random
import re
import sqlite3
from pathlib import Path

import pytest

from query import sentences, worlds
from trackerlite.readers.filters import Filter, FilterError, Subject
from trackerlite.readers.filters import sql as compiler
from trackerlite.store import connect
from trackerlite.store.filesystem import database_path

ALLOWED = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION}
RUNS = 64


class Checked:
    """A store, its subjects, and a connection on which anything but reading is an error."""

    def __init__(self, store: Path) -> None:
        self.subjects = worlds.build(store, RUNS, seed=20)
        self.connection = connect.open_reader(database_path(store))
        self.ids = dict(self.connection.execute("SELECT key, id FROM run"))
        self.refused: list[tuple[object, ...]] = []
        self.connection.set_authorizer(self.authorize)
        literals = [
            node.value
            for node in ast.walk(ast.parse(Path(compiler.__file__).read_text()))
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        ]
        self.vocabulary = {word for text in literals for word in words(text)}

    def authorize(self, action: int, *details: object) -> int:
        """Refuse, and remember, whatever is not part of a SELECT."""
        if action in ALLOWED:
            return sqlite3.SQLITE_OK
        self.refused.append((action, *details))
        return sqlite3.SQLITE_DENY

    def check(self, text: str) -> int:
        """Hold one filter's SQL against its plain meaning; returns how many runs passed."""
        parsed = Filter(text)
        query = parsed.compile(worlds.NOW)
        strange = words(query.where) - self.vocabulary
        assert not strange, f"{text!r} put {strange} into the statement"
        found = {self.ids[key] for key in query.keys(self.connection)}
        assert not self.refused, f"{text!r} asked SQLite for {self.refused}"
        expected = {
            run_id
            for run_id, subject in self.subjects.items()
            if parsed.matches(subject, worlds.NOW)
        }
        assert found == expected, f"{text!r}: SQL {sorted(found)}, Python {sorted(expected)}"
        return len(found)


def words(sql: str) -> set[str]:
    """The words and quoted texts of a statement, its placeholders `:p0` left out."""
    return set(re.findall(r"'[^']*'|[A-Za-z_][A-Za-z_.]*", re.sub(r":p\d+", " ", sql)))


def refusal(text: str) -> FilterError | None:
    """What is wrong with `text`, if anything; any other exception is a defect."""
    try:
        Filter(text)
    except FilterError as error:
        return error
    return None


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> Checked:
    """A store of generated runs, behind an authorizer."""
    return Checked(tmp_path_factory.mktemp("world") / ".trackerlite")


def compare(checked: Checked, count: int, rng: random.Random) -> None:
    """Check `count` filters, a tenth of them damaged, and that they are no trivial ones."""
    some, parsed, refused = 0, 0, 0
    for number in range(count):
        text = sentences.broken(rng) if number % 10 == 0 else sentences.sentence(rng)
        if number % 10 == 0 and (error := refusal(text)) is not None:
            assert 0 <= error.start <= error.end <= len(error.text)
            assert "^" in str(error)
            refused += 1
            continue
        some += 0 < checked.check(text) < RUNS
        parsed += 1
    assert refused < count * 0.1
    assert some > parsed * 0.4, "most filters pass everything or nothing: they test little"


def test_sql_means_what_the_filter_means(checked: Checked, chance: random.Random) -> None:
    """A filter's SQL passes the runs that its plain meaning passes, whatever is in either."""
    compare(checked, 5_000, chance)


@pytest.mark.full
def test_sql_means_what_100_000_filters_mean(checked: Checked, chance: random.Random) -> None:
    """The same for 100,000 filters."""
    compare(checked, 100_000, chance)


@pytest.mark.parametrize(
    "text",
    [
        "'; DROP TABLE run; --", "1 OR 1=1", "' OR ''='", "x' UNION SELECT * FROM run --",
        "\"; ATTACH 'x' AS y; --", "%", "_", "\\", "Robert'); DROP TABLE run;--",
        "name'||(SELECT 1)||'", ":p0", "?1", "tl_test(0,1)", "NULL", "/*",
    ],
)  # fmt: skip
def test_injections_are_words(checked: Checked, text: str) -> None:
    """A classic injection, quoted or as a value or a key, is text to look for and nothing else."""
    quoted = '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
    expected = {
        run_id
        for run_id, subject in checked.subjects.items()
        if any(text.casefold() in value.casefold() for value in searched(subject))
    }
    query = Filter(quoted).compile(worlds.NOW)
    assert {checked.ids[key] for key in query.keys(checked.connection)} == expected
    for shape in (
        "name={}",
        "tag:{}",
        "config.{}=1",
        "config.lr={}",
        "best({})>0",
        "{}>0",
        "has:{}",
        "summary.x!={}",
    ):
        checked.check(shape.format(quoted))


def searched(subject: Subject) -> list[str]:
    """The texts that a bare word looks through."""
    names = ("name", "id", "project", "group", "job_type", "notes")
    return [*(subject.fields[name] or "" for name in names), *subject.fields["tag"]]
