"""Alarms: raised when something begins, once, and never by a run that is well."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

import trackerlite as tl
from trackerlite.alarms import Alarms, Rule
from trackerlite.errors import BadInput
from trackerlite.journal import events
from trackerlite.journal.framing import frame
from trackerlite.journal.scalars import Encoder
from trackerlite.readers import Reader


class Journal:
    """A journal with what a test lets a run say, on a clock of its own."""

    def __init__(self, folder):
        self.path = folder / "events.out.tfevents.1.h.1.a"
        self.path.write_bytes(b"")
        self.raised = []
        self.alarms = Alarms(lambda: self.path, self._alert)
        self.encoder, self.clock, self.step = Encoder(), 1000.0, 0

    def _alert(self, title, text, level, key=None, rule=None, step=None):
        self.raised.append((rule, key, level, text))

    def log(self, values, seconds=1.0):
        self.clock += seconds
        with open(self.path, "ab") as file:
            file.write(self.encoder.encode(values, self.step, self.clock))
        self.step += 1

    def define(self, **fields):
        with open(self.path, "ab") as file:
            body = events.record({"t": "define", **fields})
            file.write(frame(events.event(self.clock, self.step, body)))

    def look(self, later=2.0):
        self.clock += later
        self.alarms.look(self.clock)
        return [rule for rule, *_ in self.raised]


@pytest.fixture
def journal(tmp_path):
    return Journal(tmp_path)


class TestNaN:
    @pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
    def test_once_while_it_lasts(self, journal, value):
        """NaN and ±Inf raise one alarm when they begin, another only after they had gone."""
        journal.log({"a": 1.0})
        for _ in range(5):
            journal.log({"a": value})
        assert journal.look() == ["nan"]
        journal.log({"a": value})
        assert journal.look() == ["nan"]
        journal.log({"a": 1.0})
        journal.log({"a": value})
        assert journal.look() == ["nan", "nan"]
        assert "at step 1" in journal.raised[0][3]

    def test_a_single_one_between_looks(self, journal):
        """One NaN among a thousand good values is seen, whenever we look."""
        for i in range(1000):
            journal.log({"a": math.nan if i == 500 else 1.0, "b": 2.0}, seconds=0.001)
        assert journal.look() == ["nan"]
        assert journal.raised[0][1:3] == ("a", "ERROR")

    def test_a_metric_that_flickers(self, journal):
        """A metric that is NaN every other step does not fill the screen."""
        for i in range(200):
            journal.log({"a": math.nan if i % 2 else 1.0})
        assert len(journal.look()) == 5


class TestRules:
    def test_pattern(self, journal):
        """A rule holds for the metrics it names, and is raised when it becomes true."""
        journal.define(pattern="val/*", alarm="x > 10")
        for x in (1.0, 11.0, 12.0, 3.0, 11.0):
            journal.log({"val/a": x, "train/a": 99.0})
        assert journal.look() == ["x > 10", "x > 10"]

    def test_not_understood(self, journal):
        """A rule that is none is reported, and stops nothing."""
        journal.define(pattern="a", alarm="import os")
        journal.log({"a": math.nan})
        assert journal.look() == ["import os", "nan"]

    @pytest.mark.parametrize(
        ("text", "x", "step", "expected"),
        [
            ("isnan(x) or x > 10", math.nan, 0, True),
            ("isnan(x) or x > 10", 10.0, 0, False),
            ("0 < x < 1 and step >= 100", 0.5, 100, True),
            ("0 < x < 1 and step >= 100", 0.5, 99, False),
            ("not isfinite(x)", math.inf, 0, True),
            ("abs(x - 1) * 2 >= 1", 0.4, 0, True),
            ("1 / x > 3", 0.0, 0, False),
            ("x == -1", -1.0, 0, True),
        ],
    )
    def test_meaning(self, text, x, step, expected):
        """Rules mean what they mean in Python; an impossible one is false."""
        assert Rule(text)(x, step) is expected

    @pytest.mark.parametrize(
        "text",
        ["", "y > 1", "x.real", "__import__('os')", "x if x else 1", "lambda: 1", "[x]", "x ** 9999999",
         "'a' * 10", "isnan", "isnan(x, x)", "x; x", "open('f')", "(" * 500 + "x" + ")" * 500, "x > " + "1" * 2000],
    )  # fmt: skip
    def test_refused(self, text):
        """Everything else is refused, and nothing of it is run."""
        with pytest.raises(BadInput):
            Rule(text)

    @given(st.text(max_size=60))
    def test_any_text(self, text):
        """Any text is a rule or is refused."""
        try:
            Rule(text)(1.0, 0)
        except BadInput:
            pass


class TestDivergence:
    def test_leaves_for_good(self, journal, chance):
        """A loss that came down and then climbs far above its best raises one alarm."""
        for i in range(2000):
            level = 1 + 4 * math.exp(-i / 100) + (0 if i < 1000 else (i - 1000) * 0.02)
            journal.log({"train/loss": level + chance.gauss(0, 0.1)}, seconds=0.01)
        assert journal.look() == ["divergence"]

    @pytest.mark.parametrize("shape", ["falls", "flat", "noisy", "one spike", "warm-up"])
    def test_healthy(self, journal, chance, shape):
        """A loss that falls, rests, is noisy, spikes once or starts high raises none."""
        for i in range(3000):
            x = {
                "falls": 5 / (1 + i / 50),
                "flat": 0.7,
                "noisy": 1 + chance.expovariate(2),
                "one spike": 1.0 if i != 1500 else 40.0,
                "warm-up": 10 * math.exp(-i / 20) + 0.5,
            }[shape]
            journal.log({"loss": x + chance.gauss(0, 0.02)}, seconds=0.01)
        assert journal.look() == []

    @pytest.mark.parametrize("key", ["vae/kl_loss", "loss_G", "train/policy_loss", "entropy_loss"])
    def test_losses_that_may_rise(self, journal, key):
        """A divergence from a prior, or a player's loss whose opponent learns, rises in health."""
        for i in range(2000):
            journal.log({key: 0.01 + i / 100, "train/loss": 1.0}, seconds=0.01)
        assert journal.look() == []


class TestStall:
    def test_stalls(self, journal):
        """No step for far longer than usual raises one alarm, and one more after it went on."""
        for _ in range(20):
            journal.log({"a": 1.0})
        assert journal.look(100) == []
        assert journal.look(50) == ["stall"]
        assert journal.look(500) == ["stall"]
        journal.log({"a": 1.0})
        assert journal.look(1) == ["stall"]

    def test_slow_evaluations_are_usual(self, journal):
        """A run that pauses for its evaluation every so often is not stalled by the next."""
        for i in range(60):
            journal.log({"a": 1.0}, seconds=300 if i % 10 == 9 else 1)
        assert journal.look(400) == []

    def test_slow_from_the_start(self, journal):
        """Before its pace is known, a run cannot stall."""
        journal.log({"a": 1.0})
        assert journal.look(10_000) == []


def test_in_a_run(tmp_path, capsys, monkeypatch):
    """A NaN in a real run is an alert at its step in the store, and a line on stderr."""
    import time

    monkeypatch.delenv("TRACKERLITE_SILENT")
    run = tl.init(project="p", dir=tmp_path, id="r")
    run.log({"loss": math.nan}, step=4)
    run.log({"other": 1.0}, step=9)
    end = time.monotonic() + 10
    while "ALARM" not in capsys.readouterr().err and time.monotonic() < end:
        time.sleep(0.1)
    run.finish()
    with Reader.open(tmp_path) as reader:
        alerts = reader.alerts(reader.run("r").key)
    (alert,) = alerts
    assert (alert.title, alert.level, alert.metric) == ("NaN in loss", "ERROR", "loss")
    assert alert.step == 4
    assert time.monotonic() < end
