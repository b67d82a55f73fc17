"""The report: complete, self-contained, and harmless whatever the runs are called."""

from __future__ import annotations

import html.parser
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import trackerlite as tl
from query.conftest import HOSTILE
from trackerlite.media import Histogram, Image, Table
from trackerlite.readers import Reader
from trackerlite.report import write_report
from trackerlite.report.media import Gallery
from trackerlite.report.page import render


class Page(html.parser.HTMLParser):
    """What an HTML parser finds in a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.told = ""
        self._in_content = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._in_content = tag == "script" and dict(attrs).get("id") == "content"

    def handle_endtag(self, tag: str) -> None:
        self._in_content = False

    def handle_data(self, data: str) -> None:
        if self._in_content:
            self.told += data


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with two runs that logged media, one of them hostile."""
    store = tmp_path_factory.mktemp("pages")
    rng = np.random.default_rng(1)
    for index, name in enumerate(["plain", HOSTILE]):
        with tl.init(project="p", id=f"run{index}", name=name, dir=store, notes=HOSTILE) as run:
            run.config.update(
                {"lr": 0.1 * (index + 1), HOSTILE: "</script><img src=x onerror=alert(1)>"}
            )
            for step in range(5_000):
                run.log({"train/loss": 50.0 if step == 3_333 else float(rng.random())}, step=step)
            run.log(
                {HOSTILE: float("nan"), "picture": Image(rng.random((8, 8, 3)), caption=HOSTILE)},
                step=5_000,
            )
            run.log({"weights": Histogram(rng.normal(size=100)), "words": HOSTILE}, step=5_000)
            run.log(
                {"rows": Table(columns=["a", HOSTILE], data=[[1, HOSTILE], [float("inf"), None]])},
                step=5_000,
            )
            run.alert(HOSTILE, HOSTILE)
    return store


@pytest.fixture(scope="module")
def report(pages: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report on both runs."""
    path = tmp_path_factory.mktemp("out") / "report.html"
    with Reader.open(pages) as reader:
        written = write_report(reader, [reader.run("run0"), reader.run("run1")], path)
    assert written.size == path.stat().st_size
    assert [entry.name for entry in path.parent.iterdir()] == ["report.html"]
    return path


def test_it_asks_the_network_for_nothing(report: Path) -> None:
    """No element of the page names anything outside of it, and its policy forbids it besides."""
    page = Page(report.read_text())
    for tag, attributes in page.tags:
        assert tag not in ("link", "iframe", "object", "embed", "base", "form", "img")
        assert not {"src", "href", "srcset", "data", "action"} & attributes.keys(), tag
        assert not any(name.startswith("on") for name in attributes)
    policies = [
        a["content"] for t, a in page.tags if a.get("http-equiv") == "Content-Security-Policy"
    ]
    assert len(policies) == 1
    assert "default-src 'none'" in str(policies[0])
    assert "unsafe" not in str(policies[0])
    styles = "".join(re.findall(r"<style>(.*?)</style>", report.read_text(), re.DOTALL))
    assert "url(" not in styles
    assert "@import" not in styles


def test_everything_is_in_it(report: Path) -> None:
    """Runs, metrics with their spikes, config, media and alerts of each run are in the page."""
    told = json.loads(Page(report.read_text()).told)
    assert [run["ref"] for run in told["runs"]] == ["p/run0", "p/run1"]
    assert told["runs"][1]["alerts"]
    loss = next(metric for metric in told["metrics"] if metric["name"] == "train/loss")
    for line in loss["lines"]:
        assert max(value for value in line["value"] if value is not None) == 50.0
        assert len(line["value"]) < 3_000
        assert line["count"] == 5_000
    assert {item["kind"] for item in told["media"]} == {"image", "histogram", "text", "table"}
    assert all(
        item["source"].startswith("data:image/png;base64,")
        for item in told["media"]
        if item["kind"] == "image"
    )
    assert any(
        row["key"] == "lr" and row["values"] == ["0.1", "0.2"] for row in told["sections"]["config"]
    )


def test_hostile_text_stays_text(report: Path) -> None:
    """Markup in names, keys and values opens no element, and no control character is left."""
    text = report.read_text()
    assert "<script>alert" not in text
    assert "<img" not in text.replace("</script><img", "") or "onerror" not in re.sub(
        r"<script.*?</script>", "", text, flags=re.DOTALL
    )
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]", Page(text).told)
    assert len(re.findall(r"<script[ >]", text)) == 3


def test_media_beyond_the_limit_is_left_out_and_said(pages: Path) -> None:
    """A page has room for so much; what does not fit is counted in a sentence."""
    with Reader.open(pages) as reader:
        gallery = Gallery(most_bytes=10)
        found = gallery.collect(reader, reader.runs())
    assert {item["kind"] for item in found} == {"histogram", "text"}
    assert "not in this page" in gallery.notes[0]


@pytest.mark.parametrize(
    "path", ["../../../etc/passwd", "/etc/passwd", "media/../../x.png", "gone.png", "", None, 3]
)
def test_media_paths_stay_in_the_run(pages: Path, path: object) -> None:
    """A media reference that leads out of its run's folder, or nowhere, shows nothing."""
    with Reader.open(pages) as reader:
        run = reader.run("run0")
        assert Gallery()._items(run, {"_type": "image-file", "path": path}) == []


def test_numbers_that_json_lacks(reader: Reader) -> None:
    """NaN and infinities anywhere in the content never make the page's JSON invalid."""
    told = {"title": "x", "a": [float("nan"), {"b": float("inf")}]}
    assert json.loads(Page(render(told)).told)["a"] == [None, {"b": None}]


@pytest.fixture
def chromium(need: Callable[[object, str], None]) -> str:
    """A headless Chromium."""
    found = (
        shutil.which("chromium")
        or shutil.which("chromium-browser")
        or shutil.which("google-chrome")
    )
    need(found, "a Chromium to open the page in")
    return str(found)


def test_a_browser_draws_it(chromium: str, report: Path, tmp_path: Path) -> None:
    """A real browser without network runs the page without an error and draws its curves."""
    done = subprocess.run(
        [chromium, "--headless=new", "--no-sandbox", "--disable-gpu", "--host-resolver-rules=MAP * ~NOTFOUND",
         f"--user-data-dir={tmp_path / 'profile'}", "--window-size=1400,3000", "--virtual-time-budget=5000",
         "--enable-logging=stderr", "--dump-dom", report.as_uri()],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    complaints = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    assert not complaints
    page = Page(done.stdout)
    kinds = [tag for tag, _ in page.tags]
    assert kinds.count("canvas") >= 2
    assert kinds.count("img") == 2
    assert kinds.count("svg") == 2
    assert "alert(1)" in done.stdout
    assert not [
        a for t, a in page.tags if t == "img" and not str(a.get("src")).startswith("data:image/png")
    ]
