"""A store whose every byte is written down: for frames that are the same on every machine."""

from __future__ import annotations

import math
import random
import struct
import zlib
from pathlib import Path
from typing import Any

from trackerlite.journal import events
from unit.journals import row, run_of, said, start

BEGUN = 1_767_225_600.0  # 2026-01-01, 00:00:00 UTC
NOW = BEGUN + 6 * 3600
_PATCH = """diff --git a/train.py b/train.py
--- a/train.py
+++ b/train.py
@@ -1,4 +1,5 @@
 def rate(step):
-    return 0.003
+    # warm up first
+    return 0.010 * min(1, step / 20)

 train(rate, epochs=3)
"""
_RUNS: tuple[dict[str, Any], ...] = (
    {"name": "baseline", "lr": 0.003, "tags": ["paper"], "state": "finished"},
    {"name": "deeper", "lr": 0.003, "depth": 8, "tags": ["sweep"], "state": "finished"},
    {"name": "hot", "lr": 0.01, "tags": ["sweep"], "state": "failed", "reason": "RuntimeError: loss is NaN"},
    {"name": "wide-größe", "lr": 0.001, "tags": [], "state": "finished", "notes": "again with 8 GPUs"},
)  # fmt: skip


def build(store: Path) -> None:
    """Write the journals, and what lies beside them; a reader projects them."""
    for index, about in enumerate(_RUNS):
        _run(store, index, about)


def _run(store: Path, index: int, about: dict[str, Any]) -> None:
    noise = random.Random(index)
    began = BEGUN + 3600 * index
    steps = 60 if about["state"] == "failed" else 120
    run_id, name = f"run{index}abc", about["name"]
    git = {"commit": "4f2a9c1d" * 5, "branch": "main", "dirty": bool(index)}
    data = start(
        id=run_id, project="fraud", name=name, started=began, host="gpu-7", python="3.12.4",
        command=f"python train.py --lr {about['lr']}", tags=about["tags"], notes=about.get("notes"),
        config={"lr": about["lr"], "model": {"depth": about.get("depth", 4)}, "seed": 7},
        git={**git, "patch": _PATCH} if index == 2 else git,
    )  # fmt: skip
    for step in range(steps):
        loss = 2 * math.exp(-step / (30 + 10 * index)) + 0.1 * index + noise.gauss(0, 0.02)
        loss = math.nan if about["state"] == "failed" and step > 50 else loss
        numbers = {"train/loss": loss, "train/lr": about["lr"] * (1 - step / 130)}
        others: list[bytes] = []
        if step % 10 == 0 and loss == loss:
            numbers |= {"val/loss": loss + 0.1, "val/f1": 1 - loss / 4}
            others = [events.json_value(key, value) for key, value in _media(step).items()]
        data += row(began + 2 * step, step, numbers, *others)
        if step % 5 == 0:
            data += said(
                began + 2 * step,
                step,
                t="system",
                values={
                    "cpu": 40 + 5 * math.sin(step),
                    "memory_percent": 31.5 + step / 50,
                    "gpu.0.gpu": 93 + step % 4,
                    "gpu.0.memoryAllocated": 71.0,
                },
            )
    end = began + 2 * steps
    data += said(end, t="finish", state=about["state"], exit_code=int("reason" in about), reason=about.get("reason"))  # fmt: skip
    folder = run_of(store / ".trackerlite", data, f"{name}-{run_id}")
    lines = [
        f"2026-01-01T{index:02}:{s // 30:02}:{s * 2 % 60:02}.000Z out step {s}  loss {2 * math.exp(-s / 30):.4f}"
        for s in range(0, steps, 3)
    ]
    (folder / "console.log").write_text("\n".join(lines) + "\n", "utf-8")
    (folder / "media").mkdir()
    (folder / "media" / "sample.png").write_bytes(_png(24, 16))


def _media(step: int) -> dict[str, Any]:
    counts = [round(40 * math.exp(-((i - 8 - step / 20) ** 2) / 12)) for i in range(16)]
    return {
        "grads": {
            "_type": "histogram",
            "values": counts,
            "bins": [round(-2 + i / 4, 2) for i in range(17)],
        },
        "sample": {"_type": "image-file", "path": "media/sample.png", "caption": f"at step {step}"},
        "note": f"step {step}: the quick brown fox jumps over the lazy dog",
    }


def _png(wide: int, high: int) -> bytes:
    """A picture of two ramps, without a library whose version could change it."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))  # fmt: skip

    pixels = b"".join(
        b"\0" + bytes(v for x in range(wide) for v in (x * 10, y * 15, 128)) for y in range(high)
    )
    head = struct.pack(">IIBBBBB", wide, high, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(pixels)) + chunk(b"IEND", b"")  # fmt: skip
