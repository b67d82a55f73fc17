"""The filter language: what it accepts, what it refuses and where, and that it never runs away."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trackerlite.readers.filters import Filter, FilterError, FilterTimeout, Subject, guide, literals
from trackerlite.readers.filters.patterns import Wildcard
from trackerlite.text import plain

NOW = 1_800_000_000.0
FIELDS = {
    "name": "llama3-lora-r8", "id": "abc", "project": "demo", "group": None, "job_type": None, "notes": "to do",
    "host": "gpu01", "state": "finished", "tag": ("lora", "smoke test"), "artifact": (), "alert": (),
    "duration": 4000.0, "started": NOW - 3600, "ended": NOW, "steps": 1000, "exit_code": 0,
}  # fmt: skip
RUN = Subject(
    FIELDS,
    config={"lr": 1e-3, "optimizer.name": "AdamW", "layers": ["attn", "mlp"], "fp16": True, "seed": None,
            "learning rate": 0.1, "path": "/data/x"},
    summary={"verdict": "good one"},
    environment={"git.branch": "main"},
)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "place", "reason"),
    [
        ("config.lr>=", 11, "value is missing"),
        ("tag:lora AND", 12, "missing after AND"),
        ("tag:lora OR OR x", 12, "before OR"),
        ("(tag:lora", 0, "never closed"),
        ("tag:lora)", 8, "no ( for this"),
        ("()", 1, "nothing between"),
        ('name:"x', 5, "never closed"),
        ("lora /abc", 5, "never closed"),
        ("/abc/x", 5, "Only the flag i"),
        ("name:/[/", 7, "no regular expression"),
        ("state:runing", 6, "Did you mean running?"),
        ("stat:running", 5, "did you mean state?"),
        ("val/f1>high", 7, "compared with a number"),
        ("config.lr>high", 10, "compares numbers"),
        ("age<soon", 4, "2h, 3d"),
        ("age:2d", 4, "never exactly"),
        ("started>yesterday", 8, "2026-02-03"),
        ("name>3", 5, "is text"),
        ("tag<3", 4, "use : or ="),
        ("steps=many", 6, "is a number"),
        ("foo(x)>1", 0, "no function called foo"),
        ("best(x)", 7, "comparison is missing"),
        ("best(config.lr)>1", 5, "takes a metric"),
        ("best()>1", 5, "needs the name"),
        ("best(x>1", 6, "not closed"),
        (">3", 0, "What should >"),
        ("- x", 0, "nothing to negate"),
        ('name="a"b', 8, "space is missing"),
        ("has=x", 3, "has:"),
        ("not", 3, "missing after not"),
    ],
)
def test_an_error_points_at_its_place(text: str, place: int, reason: str) -> None:
    """What cannot be understood is refused in one sentence, with carets under the place."""
    with pytest.raises(FilterError, match=r"(?s).+\n.+\n *\^+$") as caught:
        Filter(text)
    assert caught.value.start == place
    assert reason in caught.value.reason
    first, shown, carets = str(caught.value).split("\n")
    assert shown == f"  {plain(text)}"
    assert carets.index("^") == place + 2
    assert first.endswith((".", "?"))


@pytest.mark.parametrize(
    ("text", "passes"),
    [
        ("", True),
        ("LLAMA3", True),
        ('"to do"', True),
        ("to do", True),
        ("smoke", True),
        ("gpu01", False),
        ("-baseline", True),
        ("--lora", True),
        ("/^llama.*r(8|16)$/", True),
        ("/LLAMA/", False),
        ("/LLAMA/i", True),
        ("name:llama*-r8", True),
        ("name:llama*-r9", False),
        ("name:'llama*'", False),
        ("name=llama3", False),
        ("name!=llama3", True),
        ("group!=x", False),
        ("-group=x", True),
        ("tag:LORA", True),
        ("tag:lor", False),
        ("tag=LORA", False),
        ("tag:'smoke test'", True),
        ("tag!=lora", False),
        ("age<2h", True),
        ("age < 30m", False),
        ("duration>1h", True),
        ("duration>1h30m", False),
        ("steps>=1_000 exit_code=0", True),
        ("config.lr>=1e-3", True),
        ("config.lr:0.001", True),
        ('config.lr:"0.001"', False),
        ("config.lr!=0.1", True),
        ("config.other!=0.1", False),
        ("config.optimizer.name:adam", True),
        ("config.optimizer.name=adam", False),
        ("config.optimizer.name=AdamW", True),
        ("config.layers:MLP", True),
        ("config.layers=mlp", True),
        ("config.layers!=mlp", False),
        ("config.fp16=true", True),
        ("config.fp16=1", False),
        ("config.seed=null has:config.seed", True),
        ("config.seed:none", True),
        ('config."learning rate"=0.1', True),
        ("config.path=/data/x", True),
        ("summary.verdict:good", True),
        ("git.branch=main", True),
        ("env.git.branch:MAIN", True),
        ("has:notes -has:group -has:val/f1", True),
        ("a OR lora", True),
        ("lora or a b", True),
        ("(lora or a) zzz", False),
        ("NOT (state:failed OR state:killed)", True),
        ("state!=finished", False),
        ('"or" AND "and"', False),
    ],
)
def test_meaning(text: str, passes: bool) -> None:
    """Each construct of the language means what the page about it says."""
    assert Filter(text).matches(RUN, NOW) is passes


def test_started_names_a_day() -> None:
    """A date stands for the whole of that day, local time."""
    day = time.strftime("%Y-%m-%d", time.localtime(NOW - 3600))
    assert Filter(f"started:{day}").matches(RUN, NOW)
    assert Filter(f"started>={day} started<={day}").matches(RUN, NOW)
    assert not Filter(f"started>{day} OR started<{day} OR started!={day}").matches(RUN, NOW)


def test_every_example_of_the_page_is_a_filter() -> None:
    """The page about filters holds no example that does not work."""
    examples = [example for section in guide.EXAMPLES.values() for example, _ in section]
    assert len(examples) > 30
    for example in examples:
        parsed = Filter(example)
        parsed.matches(RUN, NOW)
        parsed.compile(NOW)
    assert max(map(len, guide.page().splitlines())) <= 100


@pytest.mark.parametrize(
    "pattern",
    [
        "(a|aa)+$",
        "(a|a)*b",
        "a?" * 100 + "a" * 100,
        "((a{1,100}){1,100}){1,100}b",
        "(x+x+)+y",
        r"(.*)\1{20}z",
    ],
)
def test_a_regular_expression_cannot_run_away(pattern: str) -> None:
    """An expression that would take for ever is stopped with a sentence, in about half a second."""
    subject = Subject({**FIELDS, "notes": "a" * 80 + "x" * 80 + "b"})
    parsed = Filter(f"notes:/{pattern}/")
    began = time.perf_counter()
    try:
        for _ in range(3):
            parsed.matches(subject, NOW)
    except FilterTimeout as error:
        stopped = error.reason
    else:
        stopped = "simpler"
    assert "simpler" in stopped
    assert time.perf_counter() - began < 5


def test_the_allowance_is_for_one_use() -> None:
    """A filter that was stopped once may be tried again: each use has the whole allowance."""
    slow = Subject({**FIELDS, "notes": "a" * 80 + "b"})
    parsed = Filter("notes:/(a|aa)+$/ OR name:/llama/")
    with pytest.raises(FilterTimeout):
        parsed.matches(slow, NOW)
    assert parsed.matches(Subject({**FIELDS, "notes": "a"}), NOW)


@pytest.mark.parametrize(
    "text",
    [
        "(" * 51 + "x" + ")" * 51,
        " ".join(["x"] * 251),
        "x" * 10_001,
        "/" + "x" * 501 + "/",
        "-" * 9_000 + "x" * 2_000,
    ],
)
def test_sizes_are_bounded(text: str) -> None:
    """A filter too long, too deep or of too many parts is refused, never a crash."""
    with pytest.raises(FilterError):
        Filter(text)


def test_many_negations_are_one_or_none() -> None:
    """Negations cancel out, however many there are."""
    assert Filter("-" * 9_001 + "baseline").matches(RUN, NOW)
    assert not Filter("-" * 9_000 + "baseline").matches(RUN, NOW)


@given(st.text(max_size=200))
def test_any_text_is_a_filter_or_an_error(text: str) -> None:
    """Whatever is typed is parsed or refused with a place, and what is parsed can be applied."""
    refused = None
    try:
        parsed = Filter(text)
    except FilterError as error:
        refused = error
    if refused is not None:
        assert 0 <= refused.start <= refused.end <= len(refused.text)
        return
    parsed.matches(RUN, NOW)
    parsed.compile(NOW)


@given(st.text("ab*", max_size=12), st.text("ab", max_size=12))
def test_wildcards_are_what_a_regular_expression_says(pattern: str, text: str) -> None:
    """`*` stands for any characters, also none; everything else for itself."""

    expected = re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), text, re.DOTALL)
    assert Wildcard(pattern)(text) is (expected is not None)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("1.5h", 5400), ("1w2d", 777600), ("45", 45), ("", None), ("2", 2), ("-1s", None), ("1h x", None),
     ("nan", None), ("1x", None)],
)  # fmt: skip
def test_durations(text: str, seconds: float | None) -> None:
    """Durations are numbers with units, and sums of them; anything else is none."""
    assert literals.duration(text) == seconds


@pytest.mark.parametrize(
    "text", ["--inf", "+-1", "1e", "e5", ".", "_1", "0x10", "١", "1.2.3", "inff", "- 1"]
)
def test_what_only_looks_like_a_number(text: str) -> None:
    """Only ASCII decimal numbers, infinities and NaN are numbers; the rest is text."""
    assert literals.number(text) is None


def test_names_take_words_only() -> None:
    """Metric names are looked for with words and regular expressions; more is refused."""
    names = ["train/loss", "val/loss", "val/f1"]
    assert Filter("loss -train").names(names) == ["val/loss"]
    assert Filter("/^val/ OR lr").names(names) == ["val/loss", "val/f1"]
    with pytest.raises(FilterError, match="Only words"):
        Filter("tag:x").names(names)


def test_every_filter_in_the_readme_is_one() -> None:
    """The filters that the README shows are filters, and there are some."""
    text = (Path(__file__).parents[2] / "README.md").read_text()
    shown = re.findall(
        r"(?:trackerlite (?:ls|search)|--filter|filter=) ?(?P<q>[\"'])(.+?)(?P=q)", text
    )
    assert len(shown) >= 2
    for _, filter_ in shown:
        Filter(filter_).compile(NOW)
