"""Media & tables: what `tl.plot` logged is drawn as what it is, and odd pictures and tables say what they are."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import trackerlite
from trackerlite import media, plot
from trackerlite_tui.curves.chart import Options, draw
from trackerlite_tui.curves.line import line
from trackerlite_tui.curves.palette import contrast
from trackerlite_tui.graphics import open_image
from trackerlite_tui.once import Still
from trackerlite_tui.widgets.exhibit import heat, matrix

from .conftest import LOOKS, texts

Make = Callable[..., Still]


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One run with each of the charts that a table can stand for, and tables too large for a screen."""
    folder = tmp_path_factory.mktemp("hall")
    heights = media.Table(columns=["height", "weight"], data=[[1, 5], [2, 9], [2, 1], [3, 5]])
    shares = media.Table(
        columns=["label", "value"], data=[["alpha", 8], ["beta", -2], ["gamma", float("nan")]]
    )
    with trackerlite.init(project="p", dir=str(folder)) as run:
        run.log(
            {
                "scatter": plot.scatter(heights, "height", "weight", title="grown"),
                "bar": plot.bar(shares, "label", "value", title="votes"),
                "spread": plot.histogram(heights, "height", title="how tall"),
                "lines": plot.line_series([0, 1, 2], [[1, 2, 3], [3, 2, 1]], ["up", "down"], xname="t"),
                "long": media.Table(columns=["i"], data=[[i] for i in range(30_000)]),
                "gone": media.Image(np.zeros((4, 4, 3), dtype=np.uint8)),
            }
        )  # fmt: skip
    for path in folder.rglob("*.png"):
        path.unlink()
    return folder


def shown(still: Make, hall: Path, name: str, *keys: str) -> str:
    made = still(hall, "media", 100, 30, metric_filter=name)
    made.key(*keys)
    return "\n".join(row[26:].rstrip() for row in texts(made)[2:-1])


def test_a_scatter_is_points(still: Make, hall: Path) -> None:
    """As many dots as points, two above each other too, and nothing between them."""
    page = shown(still, hall, "scatter")
    assert "grown" in page
    dots = sum((ord(char) - 0x2800).bit_count() for char in page if "\u2800" < char <= "\u28ff")
    assert dots == 4


def test_points_beside_a_line() -> None:
    """A cloud and a line go into one chart, each in its colour; what is no number is left out."""
    cloud = line([0, 1, 2, 3], [0, np.nan, np.inf, 3], "cloud", "#ff0000", points=True)
    rows = draw([cloud, line([0, 3], [1, 1], "line", "#00ff00")], 40, 10, Options()).rows
    text = {
        color: "".join(t for row in rows for t, style in row if style == color).replace(" ", "")
        for color in ("#ff0000", "#00ff00")
    }
    assert sum((ord(char) - 0x2800).bit_count() for char in text["#ff0000"]) == 2
    assert len(text["#00ff00"]) > 10


def test_bars_are_bars(still: Make, hall: Path) -> None:
    """Each bar begins at the common zero, to its left where it is negative; none where there is no number."""
    rows = dict(
        re.fullmatch(r" (\w+) +\S+ ?( *█*)", row).groups()  # type: ignore[union-attr]
        for row in shown(still, hall, "bar").split("\n")[2:5]
    )
    alpha, beta = rows["alpha"], rows["beta"]
    assert alpha.count("█") > 20
    assert len(alpha) - len(alpha.lstrip()) == len(beta), "one zero for both"
    assert beta.count("█") * 4 == pytest.approx(alpha.count("█"), abs=4)
    assert not rows["gamma"].strip()


def test_a_column_is_a_histogram(still: Make, hall: Path) -> None:
    """A histogram of a table counts the column's values, the most frequent with the longest bar."""
    page = shown(still, hall, "spread").split("\n")[1:]
    assert page[0].strip() == "how tall"
    longest = max(page, key=lambda row: row.count("█"))
    assert float(longest.split()[0]) == pytest.approx(2, abs=0.1)


def test_a_series_of_lines_is_lines(still: Make, hall: Path) -> None:
    """Several lines of one plot are drawn over the name that was given to x, each with its key."""
    page = shown(still, hall, "lines")
    assert "up" in page
    assert "down" in page
    assert "no points" not in page
    assert page.rstrip().split("\n")[-2].rstrip().endswith(" t")


def test_a_long_table_tells_its_true_length(still: Make, hall: Path) -> None:
    """A table of which the screen reads the beginning says how long it is, and where all of it is."""
    assert "30,000 rows, 1 column: enter reads the first of them" in shown(still, hall, "long")
    made = still(hall, "media", 100, 30, metric_filter="long")
    made.key("enter", "G")
    page = "\n".join(texts(made))
    assert "more rows" in page
    assert "all 30,000 rows are in" in page
    made.key("g")
    assert "row 1 of 30,000" in "\n".join(texts(made))


def test_a_picture_that_is_gone_says_so(still: Make, hall: Path) -> None:
    """A picture without its file is a sentence with the file's name."""
    page = shown(still, hall, "gone")
    assert "It cannot be shown: its file is not there: " in page
    assert "Errno" not in page


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (np.linspace(0, 65535, 64).reshape(8, 8).astype(np.uint16), "png"),
        (np.linspace(0, 1, 64).reshape(8, 8).astype(np.float32), "tiff"),
        (np.linspace(-1e6, 1e6, 64).reshape(8, 8).astype(np.float32), "tiff"),
    ],
    ids=["16 bits", "floats", "large floats"],
)
def test_deep_pictures_keep_their_shades(
    tmp_path: Path, values: np.ndarray[tuple[int, int], np.dtype[np.float32]], kind: str
) -> None:
    """A picture of 16 bits or of floats goes from black to white, and not to white at 255."""
    path = tmp_path / f"deep.{kind}"
    Image.fromarray(values).save(path)
    shades = np.asarray(open_image(path, 20, 10)[0])[..., 0].astype(int).ravel()
    assert (shades[0], shades[-1]) == (0, 255)
    assert 100 < shades[32] < 156
    assert len(set(shades.tolist())) == 64


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_numbers_can_be_read_on_any_heat(theme: str) -> None:
    """Whatever the share of a cell in a matrix, its number stands out by 4.5 to 1."""
    for share in range(101):
        front, _, back = heat(share / 100, LOOKS[theme]).partition(" on ")
        assert contrast(front, back) >= 4.5, share


def test_a_matrix_counts_what_has_no_room() -> None:
    """Rows and columns of a confusion matrix that do not fit are counted; where all fit nothing is said."""
    data = [[a, b, int(a == b)] for a in "abcdefgh" for b in "abcdefgh"]
    heads = ["Actual", "Predicted", "n"]

    def page(wide: int, high: int) -> list[str]:
        rows = matrix(heads, data, wide, high, LOOKS["dark"])
        return ["".join(text for text, _ in row) for row in rows]

    small = page(30, 6)
    assert len(small) == 6
    assert small[-1].strip() == "5 more rows and 4 more columns: enter reads all"
    assert page(100, 20)[-1].strip() == "100.0% on the diagonal, 8 in all"
    assert "more" not in "".join(page(100, 20))
    assert page(100, 9)[-1].strip() == "2 more rows: enter reads all"


def test_a_legend_that_is_cut_says_so() -> None:
    """Lines whose names have no room below a chart are told by an ellipsis."""
    lines = [line([0, 1], [i, i], f"number {i}", "#ff0000") for i in range(9)]
    last = ["".join(t for t, _ in row) for row in draw(lines, 40, 10, Options(legend=True)).rows][
        -1
    ]
    assert last.endswith("…")
    assert len(last) == 40
    whole = draw(lines[:2], 40, 10, Options(legend=True)).rows[-1]
    assert "…" not in "".join(text for text, _ in whole)
