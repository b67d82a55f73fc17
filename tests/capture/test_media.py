"""Media: W&B's JSON, TensorBoard's forms, whole files, and no step held up."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import sys
import textwrap
import threading
import time
import zlib

import numpy as np
import pytest

import trackerlite as tl
from trackerlite.errors import BadInput, Unsupported
from trackerlite.journal import events
from trackerlite.journal.framing import frame
from trackerlite.journal.scalars import encode_slowly
from trackerlite.media import (
    Audio,
    Histogram,
    Html,
    Image,
    MediaQueue,
    Several,
    Table,
    Video,
    pace,
    wrap,
)
from trackerlite.readers import Reader
from trackerlite.readers.history_rows import HistoryRows


def record(value, folder, key="key", step=3):
    """(JSON, path of its file or None) of a value recorded at once."""
    body, shown = value._trackerlite_media(folder, key, step, None)
    json.dumps(body)
    path = folder / body["path"] if "path" in body else None
    if path is not None:
        data = path.read_bytes()
        assert body["sha256"] == hashlib.sha256(data).hexdigest()
        assert body["size"] == len(data)
        assert not list(path.parent.glob("*.tmp"))
    return body, path, shown


def tensorboard(tmp_path, *named):
    """What EventAccumulator reads of (key, JSON, fields)."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    folder = tmp_path / "tb"
    folder.mkdir()
    with open(folder / "events.out.tfevents.1.h", "wb") as file:
        file.write(frame(events.file_version() if hasattr(events, "file_version") else _version()))
        for key, body, shown in named:
            value = events.json_value(key, body, shown)
            file.write(frame(encode_slowly({}, [value], 3, 12.5)))
    found = EventAccumulator(str(folder), size_guidance={"images": 0, "audio": 0, "histograms": 0})
    return found.Reload()


def _version():
    from trackerlite.journal import protobuf as pb

    return pb.double(1, 1.0) + pb.delimited(3, b"brain.Event:2")


def pixels(path):
    """A PNG as PIL sees it."""
    from PIL import Image as Pillow

    with Pillow.open(path) as picture:
        picture.load()
        return np.asarray(picture)


class TestImage:
    @pytest.mark.parametrize("shape", [(1, 1), (7, 5), (64, 64, 1), (33, 70, 3), (300, 200, 4)])
    def test_bytes_are_kept(self, tmp_path, shape, chance):
        """uint8 pixels of any shape come back from the PNG to the bit."""
        data = np.random.default_rng(chance.randrange(2**32)).integers(0, 256, shape, np.uint8)
        body, path, _ = record(Image(data, caption="c"), tmp_path)
        assert body["_type"] == "image-file"
        assert (body["height"], body["width"]) == shape[:2]
        assert (body["format"], body["caption"]) == ("png", "c")
        assert path.parent == tmp_path / "media" / "images"
        assert np.array_equal(pixels(path), data.squeeze(-1) if shape[2:] == (1,) else data)

    def test_json_is_that_of_wandb(self, tmp_path):
        """The same keys and values as wandb's own `to_json`, but for the file's name."""
        wandb = pytest.importorskip("wandb")
        data = np.zeros((4, 6, 3), np.uint8)
        ours = record(Image(data, caption="x"), tmp_path)[0]
        theirs = wandb.Image(data, caption="x")
        assert ours["_type"] == theirs._log_type
        assert set(ours) == {
            "_type",
            "path",
            "format",
            "width",
            "height",
            "caption",
            "sha256",
            "size",
        }
        assert (ours["width"], ours["height"], ours["format"]) == (
            theirs._width,
            theirs._height,
            "png",
        )

    def test_floats(self, tmp_path):
        """0…1 is spread to 0…255, signed values from their least to their greatest, NaN is black."""

        def shown(values):
            return pixels(record(Image(np.array(values)), tmp_path)[1]).tolist()

        assert shown([[0.0, 1.0], [0.5, np.nan]]) == [[0, 255], [128, 0]]
        assert shown([[-1.0, 1.0], [0.0, -1.0]]) == [[0, 255], [128, 0]]
        assert shown([[0.0, 300.0], [7.0, 255.0]]) == [[0, 255], [7, 255]]
        assert shown([[True, False]]) == [[255, 0]]

    def test_torch(self, tmp_path):
        """A tensor's channels come first; bfloat16 and gradients are no obstacle."""
        torch = pytest.importorskip("torch")
        tensor = torch.zeros(3, 4, 5, dtype=torch.bfloat16, requires_grad=True)
        body, path, _ = record(Image(tensor), tmp_path)
        assert (body["height"], body["width"]) == (4, 5)
        assert pixels(path).shape == (4, 5, 3)

    def test_pil_and_files(self, tmp_path):
        """PIL images in any mode, and JPEG, GIF and PNG files byte for byte."""
        from PIL import Image as Pillow

        for mode in ("1", "L", "P", "RGB", "RGBA", "CMYK"):
            body, _, _ = record(Image(Pillow.new(mode, (8, 9))), tmp_path)
            assert (body["width"], body["height"]) == (8, 9)
        for kind in ("jpeg", "gif", "png", "webp", "bmp"):
            path = tmp_path / f"x.{kind}"
            Pillow.new("RGB", (8, 9)).save(path)
            body, written, _ = record(Image(path), tmp_path)
            assert (body["format"], body["width"], body["height"]) == (kind, 8, 9)
            assert written.read_bytes() == path.read_bytes()

    def test_figure(self, tmp_path):
        """A matplotlib figure is drawn as it is when it is logged."""
        pytest.importorskip("matplotlib")
        from matplotlib.figure import Figure

        figure = Figure(figsize=(2, 1), dpi=50)
        figure.subplots().plot([1, 2])
        media = wrap(figure)
        body, path, _ = record(media, tmp_path)
        assert (body["width"], body["height"]) == (100, 50)
        assert pixels(path).std() > 1

    def test_figure_that_is_shown(self, tmp_path):
        """A figure in a window or a notebook stays there, however it is logged."""
        pytest.importorskip("matplotlib")
        from matplotlib.backends.backend_svg import FigureCanvasSVG
        from matplotlib.figure import Figure

        figure = Figure(figsize=(2, 1), dpi=50)
        window = FigureCanvasSVG(figure)
        record(wrap(figure), tmp_path)
        assert figure.canvas is window

    def test_pyplot(self, tmp_path):
        """`log({"chart": plt})` records the current figure, as W&B does."""
        pytest.importorskip("matplotlib").use("agg")
        from matplotlib import pyplot as plt

        plt.figure(figsize=(2, 1), dpi=50)
        plt.plot([1, 2])
        for media in (wrap(plt), Image(plt)):
            body, path, _ = record(media, tmp_path)
            assert (body["width"], body["height"]) == (100, 50)
            assert pixels(path).std() > 1
        plt.close()

    @pytest.mark.parametrize(
        "bad",
        [
            np.zeros((2, 2, 7)),
            np.zeros(3),
            np.zeros((0, 3)),
            np.array([["a"]]),
            np.zeros((2, 2), complex),
        ],
    )
    def test_no_image(self, bad):
        """What is no image is refused with a sentence."""
        with pytest.raises(BadInput, match=r"image|numbers|Complex"):
            Image(bad)

    def test_boxes_are_refused(self):
        """Boxes and masks are named as what we do not have, with what to do instead."""
        with pytest.raises(Unsupported, match=r"tl\.Table"):
            Image(np.zeros((2, 2)), boxes={"a": 1})

    def test_in_tensorboard(self, tmp_path):
        """TensorBoard shows the very bytes of the file."""
        body, path, shown = record(Image(np.zeros((4, 6, 3), np.uint8)), tmp_path)
        images = tensorboard(tmp_path, ("im", body, shown)).Images("im")
        assert images[0].encoded_image_string == path.read_bytes()
        assert (images[0].width, images[0].height, images[0].step) == (6, 4, 3)

    def test_lists(self, tmp_path):
        """A list of images is one value, as W&B has it; a mixed one is refused."""
        body, _ = Several(
            [Image(np.zeros((2, 3)), caption="a"), Image(np.ones((2, 3)))]
        )._trackerlite_media(tmp_path, "k", 1)
        assert body["_type"] == "images/separated"
        assert (body["count"], body["width"], body["height"], body["captions"]) == (
            2,
            3,
            2,
            ["a", ""],
        )
        assert all((tmp_path / name).is_file() for name in body["filenames"])
        with pytest.raises(BadInput, match="mixes"):
            Several([Image(np.zeros((2, 3))), Html("x")])._trackerlite_media(tmp_path, "k", 1)

    @pytest.mark.parametrize("sides", [(700, 700), (700, 4), (4, 700)])
    def test_a_list_of_large_ones(self, tmp_path, sides):
        """A list of images that take a moment to write stays one value: in what was logged, in a row,
        in the summary and in TensorBoard, whichever of them are large."""
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

        images = [
            Image(np.random.default_rng(n).integers(0, 255, (side, side, 3), dtype=np.uint8))
            for n, side in enumerate(sides)
        ]
        with tl.init(project="p", dir=tmp_path, id="r") as run:
            run.log({"ims": images, "one": images[sides.index(700)]}, step=3)
        with Reader.open(tmp_path) as reader:
            key = reader.run("r").key
            ims, one = reader.values(key)
            (row,) = HistoryRows(reader.connection, key).iterate()
            summary = reader.summaries([key])[key]
        assert ims.value["_type"] == "images/separated"
        assert row.values["ims"] == summary["ims"] == run.summary.latest["ims"] == ims.value
        assert all((run.folder / name).is_file() for name in ims.files)
        assert len(ims.files) == 2
        assert "sha256" in one.value
        found = EventAccumulator(str(run.folder)).Reload()
        first = (run.folder / ims.files[0]).read_bytes()
        assert {shown.encoded_image_string for shown in found.Images("ims")} == {first}


class TestHistogram:
    def test_as_numpy(self):
        """Counts and edges are NumPy's; NaN and infinities are counted apart."""
        data = np.array([1, 2, 2, 3, np.nan, np.inf])
        h = Histogram(data, num_bins=4)
        counts, edges = np.histogram(data[:4], bins=4)
        assert h.histogram == counts.tolist()
        assert h.bins == edges.tolist()
        assert h.invalid == 2

    def test_json_is_that_of_wandb(self, tmp_path):
        """The same JSON as wandb's, number for number."""
        wandb = pytest.importorskip("wandb")
        data = np.random.default_rng(0).normal(size=1000)
        ours = record(Histogram(data), tmp_path)[0]
        theirs = wandb.Histogram(data).to_json()
        assert ours["_type"] == theirs["_type"]
        assert np.array_equal(ours["values"], theirs["values"])
        assert np.allclose(ours["bins"], theirs["bins"], rtol=0, atol=0)

    @pytest.mark.parametrize(
        "data", [[], [5.0], [np.nan], np.zeros(10), [1e308, -1e308], [True, False]]
    )
    def test_odd_data(self, tmp_path, data):
        """Nothing, one number, only NaN, all the same, the greatest: each gives a histogram."""
        body, _, _ = record(Histogram(data), tmp_path)
        assert sum(body["values"]) == np.isfinite(np.asarray(data, float)).sum()

    def test_in_tensorboard(self, tmp_path):
        """TensorBoard sees the same counts, and the sums of the numbers themselves."""
        data = np.arange(100.0)
        body, _, shown = record(Histogram(data, num_bins=10), tmp_path)
        found = tensorboard(tmp_path, ("h", body, shown)).Histograms("h")[0].histogram_value
        assert found.num == 100
        assert (found.min, found.max) == (0, 99)
        assert sum(found.bucket) == 100


class TestTable:
    def test_file_is_that_of_wandb(self, tmp_path):
        """Columns and data as W&B's own table file holds them, cells of every kind."""
        table = Table(
            columns=["a", "b"], data=[[1, "x"], [2.5, None], [float("nan"), [1, "é\ud800"]]]
        )
        body, path, _ = record(table, tmp_path)
        assert (body["_type"], body["ncols"], body["nrows"]) == ("table-file", 2, 3)
        assert path.name.endswith(".table.json")
        found = json.loads(path.read_text())
        assert found["columns"] == ["a", "b"]
        assert found["data"][0] == [1, "x"]
        assert found["data"][1] == [2.5, None]
        assert found["data"][2][0] != found["data"][2][0]
        assert found["data"][2][1][0] == 1

    def test_many_rows(self, tmp_path):
        """Every block boundary is crossed without losing or joining a row."""
        for rows in (0, 1, 1333, 1334, 2667, 5000):
            table = Table(columns=["i", "j", "k"], data=[[i, str(i), i / 2] for i in range(rows)])
            path = record(table, tmp_path)[1]
            assert json.loads(path.read_text())["data"] == [[i, str(i), i / 2] for i in range(rows)]

    def test_frames_and_arrays(self, tmp_path):
        """pandas and polars frames and 2-d arrays are tables."""
        pandas = pytest.importorskip("pandas")
        frame_ = pandas.DataFrame({"x": [1, 2], "y": ["a", "b"]})
        media = wrap(frame_)
        assert media.columns == ["x", "y"]
        assert json.loads(record(media, tmp_path)[1].read_text())["data"] == [[1, "a"], [2, "b"]]
        assert Table(columns=["p", "q"], data=np.eye(2)).data == [[1.0, 0.0], [0.0, 1.0]]

    def test_media_in_cells(self, tmp_path):
        """An image in a cell is a file, and a reference in its place."""
        path = record(Table(columns=["im"], data=[[Image(np.zeros((2, 2)))]]), tmp_path)[1]
        cell = json.loads(path.read_text())["data"][0][0]
        assert cell["_type"] == "image-file"
        assert (tmp_path / cell["path"]).is_file()

    def test_wrong_length(self):
        """A row that does not fit is refused and changes nothing."""
        table = Table(columns=["a", "b"])
        with pytest.raises(BadInput, match="2 columns"):
            table.add_data(1)
        assert len(table) == 0

    def test_columns(self):
        """Columns can be added and read."""
        table = Table(columns=["a"], data=[[1], [2]])
        table.add_column("b", [3, 4])
        assert table.get_column("b") == [3, 4]
        assert table.get_column("b", convert_to="numpy").sum() == 7
        with pytest.raises(BadInput):
            table.add_column("c", [1])

    def test_in_tensorboard(self, tmp_path):
        """TensorBoard shows the first rows as text."""
        body, _, shown = record(Table(columns=["a|b"], data=[["x|y\nz"]] * 100), tmp_path)
        text = tensorboard(tmp_path, ("t", body, shown)).Tensors("t")[0].tensor_proto.string_val[0]
        assert text.startswith(b"| a\\|b |\n|---|\n| x\\|y z |")
        assert "36 more rows" in text.decode()


class TestFiles:
    def test_html(self, tmp_path):
        """Text, files and open files become the same page."""
        (tmp_path / "p.html").write_text("<b>x</b>")
        for source in ("<b>x</b>", str(tmp_path / "p.html"), io.StringIO("<b>x</b>")):
            body, path, _ = record(Html(source), tmp_path)
            assert body["_type"] == "html-file"
            assert path.read_text() == "<b>x</b>"

    def test_audio(self, tmp_path):
        """Samples become a WAV that another program reads back."""
        import wave

        tone = np.sin(np.linspace(0, 100, 800))
        body, path, shown = record(Audio(tone, sample_rate=8000, caption="a"), tmp_path)
        assert (body["_type"], body["caption"]) == ("audio-file", "a")
        with wave.open(str(path)) as sound:
            assert (sound.getframerate(), sound.getnframes(), sound.getnchannels()) == (
                8000,
                800,
                1,
            )
            back = np.frombuffer(sound.readframes(800), "<i2") / 32767
        assert np.abs(back - tone).max() < 1e-4
        clip = tensorboard(tmp_path, ("a", body, shown)).Audio("a")[0]
        assert clip.encoded_audio_string == path.read_bytes()
        with pytest.raises(BadInput, match="sample_rate"):
            Audio(tone)

    def test_video(self, tmp_path):
        """Frames become a GIF of as many frames; a file is kept byte for byte."""
        from PIL import Image as Pillow

        frames = np.random.default_rng(0).integers(0, 255, (5, 3, 16, 20), np.uint8)
        body, path, _ = record(Video(frames, fps=10), tmp_path)
        assert (body["_type"], body["width"], body["height"]) == ("video-file", 20, 16)
        with Pillow.open(path) as film:
            assert film.n_frames == 5
        (tmp_path / "f.mp4").write_bytes(b"not really")
        assert record(Video(str(tmp_path / "f.mp4")), tmp_path)[1].read_bytes() == b"not really"


class TestWrap:
    def test_what_is_no_media(self):
        """Scalars, text, small arrays and lists stay what they are."""
        for value in (1, "x", None, [1, 2], np.zeros(3), np.float32(1), {"a": 1}, [], object()):
            assert wrap(value) is None

    def test_arrays(self):
        """An array of more than 32 numbers is a histogram, as in W&B."""
        assert isinstance(wrap(np.zeros(33)), Histogram)


class TestQueue:
    def test_backpressure(self):
        """Beyond the limit the caller does the work itself; nothing is dropped, nothing piles up."""
        queue = MediaQueue()
        gate, done = __import__("threading").Event(), []
        door = queue.door(done.append)
        assert door(lambda: gate.wait(10) and ("a", b""), 200 << 20)
        assert not door(lambda: ("b", b""), 200 << 20)
        gate.set()
        assert queue.close(10) == 0
        assert done == [("a", b"")]

    def test_failure_is_told(self):
        """A job that fails is named once, and the next one runs."""
        said, done = [], []
        queue = MediaQueue(said.append)
        door = queue.door(done.append)
        door(lambda: 1 / 0, 1)
        door(lambda: ("x", b""), 1)
        assert queue.close(10) == 0
        assert done == [("x", b"")]
        assert [type(error) for error in said] == [ZeroDivisionError]

    def test_close_does_not_wait_for_ever(self):
        """A job that hangs is left behind after the time given, and counted."""
        queue = MediaQueue()
        queue.door(lambda _: None)(lambda: time.sleep(30), 1)
        start = time.monotonic()
        assert queue.close(0.3) >= 1
        assert time.monotonic() - start < 2


class TestInARun:
    def test_recorded(self, tmp_path, capsys):
        """Media stand in the journal at their step, their files in the run's folder, whole."""
        run = tl.init(project="p", dir=tmp_path, id="r")
        big = np.random.default_rng(0).integers(0, 255, (900, 900, 3), np.uint8)
        assert run.log({"im": Image(big), "loss": 1.0}, step=7)
        big[:] = 0  # what was logged is what it was then
        run.log({"t": Table(columns=["i"], data=[[i] for i in range(9000)])}, step=8)
        run.log({"w": np.arange(100.0)}, step=9)
        run.finish()
        with Reader.open(tmp_path) as reader:
            info = reader.run("r")
            rows = reader.values(info.key)
        last = {row.name: row for row in rows}
        assert (last["im"].step, last["t"].step, last["w"].step) == (7, 8, 9)
        for name in ("im", "t"):
            body = last[name].value
            data = (info.folder / body["path"]).read_bytes()
            assert hashlib.sha256(data).hexdigest() == body["sha256"]
        assert pixels(info.folder / last["im"].value["path"]).any()
        assert last["w"].value["_type"] == "histogram"
        # The reference was there before the file was, and points to the same file.
        firsts = {row.name: row.value["path"] for row in reversed(rows) if "path" in row.value}
        assert firsts["im"] == last["im"].value["path"]

    def test_log_is_not_held_up(self, tmp_path, capsys):
        """A 4k image and a table of 100,000 rows cost the training thread no encoding."""
        run = tl.init(project="p", dir=tmp_path)
        image = np.random.default_rng(0).integers(0, 255, (2160, 3840, 3), np.uint8)
        start = time.perf_counter()
        zlib.compress(image.tobytes(), 3)
        encoding = time.perf_counter() - start
        media = Image(image)
        table = Table(columns=["a", "b"], data=[[i, "text"] for i in range(100_000)])
        run.log({"warm": Image(image[:200, :200])})
        start = time.perf_counter()
        run.log({"im": media})
        run.log({"t": table})
        spent = time.perf_counter() - start
        run.finish()
        assert spent < encoding / 4, f"{spent:.3f} s in log, {encoding:.3f} s to encode"

    def test_forked_child(self, tmp_path):
        """A forked worker writes its media itself: the thread beside the training is not in it."""
        code = textwrap.dedent(
            """
            import os, sys
            import numpy as np
            import trackerlite as tl
            run = tl.init(project="p", dir=sys.argv[1], id="r")
            big = np.zeros((300, 300, 3), np.uint8)
            run.log({"parent": tl.Image(big)})
            if os.fork() == 0:
                run.log({"child": tl.Image(big)})
                os._exit(0)
            os.wait()
            run.finish()
            """
        )
        done = subprocess.run(
            [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stderr
        with Reader.open(tmp_path) as reader:
            info = reader.run("r")
            last = {row.name: row.value for row in reader.values(info.key)}
        for name in ("parent", "child"):
            assert (info.folder / last[name]["path"]).stat().st_size == last[name]["size"]

    def test_disabled_writes_nothing(self, tmp_path, monkeypatch):
        """A disabled run takes media and leaves no file."""
        import tempfile

        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
        with tl.init(mode="disabled") as run:
            assert run.log({"im": Image(np.zeros((200, 200)))})
        assert list(tmp_path.iterdir()) == []

    def test_names_stay_inside(self, tmp_path, capsys):
        """A key like a path names a file in the media folder, nowhere else."""
        with tl.init(project="p", dir=tmp_path, id="r") as run:
            run.log({"../../../../etc/x": Image(np.zeros((2, 2))), "a/b\0c": Html("x")})
            media = [p.relative_to(run.folder).parts for p in run.folder.rglob("*") if p.is_file()]
        assert sorted(p[:2] for p in media if p[0] == "media") == [
            ("media", "html"),
            ("media", "images"),
        ]
        assert all(len(p) == 3 for p in media if p[0] == "media")


class TestPace:
    def test_the_media_thread_rests(self):
        """A turn beside the training is followed by a rest of twice its processor time; in the
        training's own thread there is none."""

        class Hurry:
            def __init__(self):
                self.rests = []

            def wait(self, seconds):
                self.rests.append(seconds)

        def beside(hurry):
            pace.begin(hurry)
            begun = time.thread_time()
            while time.thread_time() - begun < 0.01:
                pass
            pace.breathe()

        hurry = Hurry()
        thread = threading.Thread(target=beside, args=(hurry,))
        thread.start()
        thread.join()
        pace.breathe()
        assert len(hurry.rests) == 1
        assert 0.02 <= hurry.rests[0] <= pace.LONGEST
