"""Filters made by chance: from the grammar, and from the grammar with something broken."""

from __future__ import annotations

import random

from query import worlds

_KEYWORDS = ["AND", "and", "OR", "or", ""]
_ORDER = ["<", "<=", ">", ">=", "=", "==", "!=", ":"]
_NUMBERS = [
    "0", "1", "-1", "3", "32", "0.5", "1e-3", "0.001", "1_000", "nan", "inf", "-inf", "1e300",
    "9007199254740993", "9223372036854775807", "1180591620717411303424", "+2", ".5",
    "0.30000000000000004", "50",
]  # fmt: skip
_STATES = [*worlds.STATES, "running", "Finished", "KILLED"]
_DURATIONS = ["90s", "5m", "2h", "1d", "3d", "1w", "1h30m", "45", "0"]
_DATES = ["2027-01-10", "2027-01-15", "2027-01-15T08:00", "2026-12-16", "2027-01-14T10:30:15"]
_REGEX = [
    "/lora/",
    "/LORA/i",
    "/^[a-z]+$/",
    "/\\d+/",
    "/a.b/",
    "/(x+)/",
    "/'/",
    "/\\//",
    "/ße|ss/i",
    "/[^a]$/",
    "/🙂/",
]
_GLOBS = ["lo*", "*ora*", "*", "a*b", "*ss*", "*'*", "x*x"]
_AGGREGATES = ["last", "best", "min", "max", "first", "mean", "count", "BEST"]


def quote(text: str, rng: random.Random) -> str:
    """`text` in quotes of either kind."""
    mark = rng.choice("\"'")
    return mark + text.replace("\\", "\\\\").replace(mark, "\\" + mark) + mark


def sentence(rng: random.Random, depth: int = 3) -> str:
    """A filter of the language."""
    if depth == 0 or rng.random() < 0.45:
        return atom(rng)
    shape = rng.random()
    left, right = sentence(rng, depth - 1), sentence(rng, depth - 1)
    if shape < 0.65:
        return f"{left} {rng.choice(_KEYWORDS)} {right}"
    if shape < 0.8:
        return f"({left})"
    return (
        f"{rng.choice(['-', 'NOT ', 'not ', '--'])}({left})"
        if rng.random() < 0.5
        else f"-{atom(rng)}"
    )


def broken(rng: random.Random) -> str:
    """A filter with characters swapped, dropped or put in: often none any more."""
    text = list(sentence(rng))
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(text) + 1)
        junk = rng.choice(
            [
                "'",
                '"',
                "(",
                ")",
                "/",
                ":",
                "=",
                "<",
                "-",
                "!",
                ";",
                "--",
                "\\",
                "\x00",
                "\ud800",
                "%",
                "?1",
                ":p0",
                " ",
            ]
        )
        text[at : at + rng.randint(0, 2)] = junk
    return "".join(text)


def atom(rng: random.Random) -> str:
    """One condition."""
    make = rng.choice(
        [
            _word,
            _text_field,
            _set_field,
            _number_field,
            _time_field,
            _value,
            _value,
            _metric,
            _metric,
            _has,
        ]
    )
    return make(rng)


def _text(rng: random.Random) -> str:
    text = rng.choice(worlds.TEXTS + worlds.TAGS)
    if rng.random() < 0.3 and len(text) > 2:
        start = rng.randrange(len(text) - 1)
        text = text[start : start + rng.randint(1, 5)]
    return quote(text, rng)


def _any_text(rng: random.Random) -> str:
    choice = rng.random()
    if choice < 0.6:
        return _text(rng)
    return (
        rng.choice(["lora", "Straße", "3", "true", "NULL", "a_b", "100%"])
        if choice < 0.8
        else rng.choice(_GLOBS)
    )


def _word(rng: random.Random) -> str:
    return rng.choice([_text(rng), "lora", "STRASSE", "7", "true", rng.choice(_REGEX)])


def _text_field(rng: random.Random) -> str:
    field = rng.choice(
        ["name", "id", "project", "group", "job_type", "job", "notes", "note", "host"]
    )
    if rng.random() < 0.3:
        return f"state{rng.choice([':', '=', '!='])}{rng.choice(_STATES)}"
    if rng.random() < 0.2:
        return f"{field}:{rng.choice(_REGEX)}"
    return f"{field}{rng.choice([':', '=', '!='])}{_any_text(rng)}"


def _set_field(rng: random.Random) -> str:
    field = rng.choice(["tag", "tag", "tags", "artifact", "alert"])
    value = rng.choice(
        [
            _any_text(rng),
            quote(rng.choice([*worlds.TAGS, "model", "NaN in train/loss"]), rng),
            rng.choice(_GLOBS),
        ]
    )
    if rng.random() < 0.2:
        return f"{field}:{rng.choice(_REGEX)}"
    return f"{field}{rng.choice([':', '=', '!='])}{value}"


def _number_field(rng: random.Random) -> str:
    return f"{rng.choice(['steps', 'exit_code', 'exit'])}{rng.choice(_ORDER)}{rng.choice(_NUMBERS)}"


def _time_field(rng: random.Random) -> str:
    if rng.random() < 0.5:
        return (
            f"{rng.choice(['age', 'duration'])} {rng.choice(_ORDER[:4])} {rng.choice(_DURATIONS)}"
        )
    return f"{rng.choice(['started', 'created', 'ended'])}{rng.choice(_ORDER)}{rng.choice(_DATES)}"


def _key(key: str, rng: random.Random) -> str:
    plain = all(char.isalnum() or char in "_./" for char in key)
    return (
        key
        if plain
        else quote(key, rng).replace("'", '"')
        if "'" not in key and '"' not in key
        else '"' + key.replace('"', '\\"') + '"'
    )


def _value(rng: random.Random) -> str:
    prefix, keys = rng.choice(
        [
            ("config", worlds.CONFIG),
            ("config", worlds.CONFIG),
            ("summary", worlds.SUMMARY + worlds.METRICS),
        ]
    )
    if rng.random() < 0.1:
        return rng.choice(
            [
                "env.python:3.12",
                "git.commit=abc123",
                "git.dirty:true",
                "env.git.dirty!=true",
                "git.nothing=1",
            ]
        )
    key = f"{prefix}.{_key(rng.choice(keys), rng)}"
    if rng.random() < 0.5:
        return f"{key}{rng.choice(_ORDER)}{rng.choice(_NUMBERS)}"
    if rng.random() < 0.2:
        return f"{key}:{rng.choice(_REGEX)}"
    return f"{key}{rng.choice([':', '=', '!='])}{_any_text(rng)}"


def _metric(rng: random.Random) -> str:
    name = rng.choice([*worlds.METRICS, "flag", "only_summary", "absent"])
    shape = rng.random()
    if shape < 0.2:
        key = f"{rng.choice(_AGGREGATES)}(system.{rng.choice(worlds.SYSTEM)})"
    elif shape < 0.6:
        key = f"{rng.choice(_AGGREGATES)}({_key(name, rng)})"
    else:
        key = _key(name, rng)
        key = f'"{key}"' if key == "name" else key
    return f"{key}{rng.choice(_ORDER)}{rng.choice(_NUMBERS)}"


def _has(rng: random.Random) -> str:
    keys = [
        "config.lr", "summary.best", "val/f1", "only_summary", "tag", "notes", "group", "alerts",
        "ended", "age", "system.cpu", "git.commit", "artifact", "steps", "exit_code",
    ]  # fmt: skip
    return f"has:{rng.choice([*keys, quote(rng.choice(worlds.METRICS), rng)])}"
