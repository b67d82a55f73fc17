"""Content, style, script and charts, put together to one page that asks nobody for anything."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trackerlite.paths import whole
from trackerlite.readers import Reader, RunInfo
from trackerlite.report.content import content
from trackerlite.report.media import Gallery
from trackerlite.text import plain

# uPlot: 50 kB, MIT, draws to a canvas, asks for nothing. Its banner and licence go along.
_ASSETS = Path(__file__).parent / "assets"
_SCRIPTS = ("uPlot-1.6.32.min.js", "report.js")
_STYLES = ("uPlot-1.6.32.min.css", "report.css")


@dataclass(frozen=True)
class Written:
    """What was written: where, how many bytes, and sentences on what was left out."""

    path: Path
    size: int
    notes: tuple[str, ...]


def write_report(
    reader: Reader, runs: Sequence[RunInfo], path: Path, title: str | None = None
) -> Written:
    """Write the page; a page that was there is replaced when the new one is whole.

    Args:
        runs: one or more; the first is what the others are measured against.
        title: default: the names of the runs.
    """
    gallery = Gallery()
    told = content(reader, runs, title or " · ".join(run.name for run in runs), gallery)
    text = render(told).encode("utf-8")
    with whole(path) as beside:
        beside.write_bytes(text)
    return Written(path, len(text), tuple(gallery.notes))


def render(told: dict[str, Any]) -> str:
    """The page that shows `told`.

    Its policy allows the scripts and styles that are in it, by their hashes, and data:
    images; nothing else can run or be fetched, whatever the runs' texts hold. Those
    reach the page as JSON and the document as text nodes only.
    """
    scripts = [(_ASSETS / name).read_text(encoding="utf-8") for name in _SCRIPTS]
    styles = [(_ASSETS / name).read_text(encoding="utf-8") for name in _STYLES]
    licence = (_ASSETS / "uPlot-LICENSE").read_text(encoding="utf-8")
    policy = (
        "default-src 'none'; img-src data:; media-src data:; "
        f"script-src {' '.join(map(_hash, scripts))}; style-src {' '.join(map(_hash, styles))}; "
        "base-uri 'none'; form-action 'none'"
    )
    parts = [
        "<!DOCTYPE html>",
        '<html lang="en"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="referrer" content="no-referrer"><meta name="color-scheme" content="light dark">',
        f"<title>{html.escape(plain(told['title'], 200))}</title>",
        *(f"<style>{style}</style>" for style in styles),
        "</head><body>",
        f"<noscript>{html.escape(_NO_SCRIPT)}</noscript>",
        f'<script type="application/json" id="content">{_json(told)}</script>',
        f"<!-- uPlot\n{licence.replace('--', '- -')}-->",
        *(f"<script>{script}</script>" for script in scripts),
        "</body></html>\n",
    ]
    return "\n".join(parts)


_NO_SCRIPT = (
    "This page draws its curves with JavaScript, which is switched off. It needs no network."
)


def _finite(value: Any) -> Any:
    """JSON has no NaN and no infinities; what the page draws has null there."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    return value


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def _json(value: Any) -> str:
    """JSON that no HTML parser can leave: `<`, `>` and `&` are spelled out."""
    text = json.dumps(_finite(value), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text
