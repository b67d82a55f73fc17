"""A real Jupyter kernel, driven as a notebook drives it."""

from __future__ import annotations

import re
import time
from pathlib import Path
from types import TracebackType
from typing import Any

_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


class Notebook:
    """Cells that are run one by one in `folder`."""

    def __init__(self, manager: Any, folder: Path, environment: dict[str, str]) -> None:
        self._manager = manager
        self._manager.start_kernel(cwd=str(folder), env=environment)
        self._client = manager.client()
        self._client.start_channels()
        self._client.wait_for_ready(60)

    def run(self, code: str) -> str:
        """What the cell showed: printed words, its value, its error."""
        return self.end(self.begin(code))

    def begin(self, code: str) -> str:
        """Run a cell and do not wait for it."""
        return str(self._client.execute(code))

    def end(self, cell: str) -> str:
        """Wait for a cell that was begun."""
        shown = ""
        while True:
            message = self._client.get_iopub_msg(timeout=60)
            if message["parent_header"].get("msg_id") != cell:
                continue
            kind, content = message["msg_type"], message["content"]
            if kind == "status" and content["execution_state"] == "idle":
                return _COLOURS.sub("", shown)
            if kind == "stream":
                shown += content["text"]
            elif kind in ("execute_result", "display_data"):
                shown += content["data"].get("text/plain", "")
            elif kind == "error":
                shown += "\n".join(content["traceback"])

    def interrupt(self) -> None:
        """The stop button."""
        time.sleep(0.5)  # the loop is to be on its way
        self._manager.interrupt_kernel()

    def __enter__(self) -> Notebook:
        return self

    def __exit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        self._client.stop_channels()
        self._manager.shutdown_kernel()
