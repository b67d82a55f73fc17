"""A TCP proxy that cuts connections within a request or its answer, after given numbers of bytes."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterable

Cut = tuple[str, int]  # "up", bytes of a request that pass before it; or "down", of an answer


class CuttingProxy:
    """Passes connections on to `port`; in every second exchange one is cut at a count that is wanted.

    A count is used up by a cut that was made, never by a message that was shorter: what is in
    `wanted` was not tried yet. When nothing is wanted any more nothing is cut.
    """

    def __init__(self, port: int) -> None:
        self._target = port
        self._exchanges = 0
        self._lock = threading.Lock()
        self.wanted: set[Cut] = set()
        self.made: list[Cut] = []
        self.longest = {"up": 0, "down": 0}  # bytes of the longest message so far
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = int(self._listener.getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._accept, daemon=True).start()

    def want(self, cuts: Iterable[Cut]) -> None:
        with self._lock:
            self.wanted.update(cuts)

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client:
            try:
                server = socket.create_connection(("127.0.0.1", self._target))
            except OSError:
                return
            exchange = _Exchange()
            with server:
                back = threading.Thread(target=self._pump, args=(server, client, "down", exchange))
                back.start()
                self._pump(client, server, "up", exchange)
                back.join()

    def _pump(
        self, source: socket.socket, sink: socket.socket, way: str, exchange: _Exchange
    ) -> None:
        try:
            while data := source.recv(65536):
                passed, cut = self._look(way, len(data), exchange)
                sink.sendall(data if cut is None else data[: cut - passed])
                if cut is not None:
                    raise ConnectionAbortedError
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            for end in (source, sink):
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def _look(self, way: str, more: int, exchange: _Exchange) -> tuple[int, int | None]:
        """How much of the message had passed, and the count to cut it at, if within these bytes.

        It is the largest that is wanted, for the larger they are the fewer messages are that long.
        """
        with self._lock:
            if exchange.way != way:
                exchange.way, exchange.passed = way, 0
                if way == "up":
                    self._exchanges += 1
                    exchange.spared = self._exchanges % 2 == 0
            passed = exchange.passed
            exchange.passed += more
            self.longest[way] = max(self.longest[way], exchange.passed)
            within = (n for w, n in self.wanted if w == way and 0 <= n - passed < more)
            cut = None if exchange.spared else max(within, default=None)
            if cut is not None:
                self.wanted.remove((way, cut))
                self.made.append((way, cut))
            return passed, cut


class _Exchange:
    """A request and its answer on one connection, which may see many."""

    way = ""
    passed = 0  # bytes of the message that goes `way` now
    spared = False
