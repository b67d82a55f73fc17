"""What a verb shows, as an HTML page."""

from __future__ import annotations

import html
import io
from typing import TYPE_CHECKING

from rich.console import Console

from trackerlite.text import plain

if TYPE_CHECKING:
    from rich.console import RenderableType

_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{title}</title>
<style>
body {{ margin: 2rem; background: #fff; color: #1f2328 }}
pre {{ font: 13px/1.45 ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace }}
</style></head><body><pre>{code}</pre></body></html>
"""


def page(renderable: RenderableType, title: str, width: int = 160) -> str:
    """One self-contained page that shows `renderable` as a terminal `width` columns wide would."""
    console = Console(
        file=io.StringIO(), record=True, width=width, force_terminal=True, color_system="truecolor",
        highlight=False, markup=False, emoji=False,
    )  # fmt: skip
    console.print(renderable)
    code = console.export_html(inline_styles=True, code_format="{code}")
    return _PAGE.format(title=html.escape(plain(title, 200)), code=code)
