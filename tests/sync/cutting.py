"""A TCP proxy that cuts connections after a given number of bytes, either way."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator


class CuttingProxy:
    """Passes connections on to `port`; every second one is cut after the next count of `cuts`.

    cuts: pairs (direction, bytes): "up" counts what the client sends, "down" what it receives. When
    they are used up nothing is cut any more.
    """

    def __init__(self, port: int, cuts: Iterator[tuple[str, int]]) -> None:
        self._target = port
        self._cuts = cuts
        self._turn = 0
        self._lock = threading.Lock()
        self.made: list[tuple[str, int]] = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = int(self._listener.getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                self._turn += 1
                cut = next(self._cuts, None) if self._turn % 2 else None
            threading.Thread(target=self._serve, args=(client, cut), daemon=True).start()

    def _serve(self, client: socket.socket, cut: tuple[str, int] | None) -> None:
        try:
            server = socket.create_connection(("127.0.0.1", self._target))
        except OSError:
            client.close()
            return
        way, limit = cut or ("", 0)
        back = threading.Thread(
            target=self._pump,
            args=(server, client, limit if way == "down" else None, cut),
            daemon=True,
        )
        back.start()
        self._pump(client, server, limit if way == "up" else None, cut)
        back.join()
        client.close()
        server.close()

    def _pump(
        self,
        source: socket.socket,
        sink: socket.socket,
        limit: int | None,
        cut: tuple[str, int] | None,
    ) -> None:
        left = limit
        try:
            while True:
                if left == 0 and cut is not None:
                    self.made.append(cut)
                    for end in (source, sink):
                        end.shutdown(socket.SHUT_RDWR)
                    return
                data = source.recv(65536 if left is None else min(left, 65536))
                if not data:
                    sink.shutdown(socket.SHUT_WR)
                    return
                sink.sendall(data)
                if left is not None:
                    left -= len(data)
        except OSError:
            for end in (source, sink):
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
