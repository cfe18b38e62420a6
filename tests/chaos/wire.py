"""A wire between an engine and Postgres that can be cut around a COMMIT: a TCP proxy that reads Postgres's protocol."""

import socket
import threading
from contextlib import suppress
from typing import Literal

from psycopg.conninfo import conninfo_to_dict, make_conninfo

# before: the COMMIT never leaves. after: it is carried out, its answer is lost. stuck: Postgres hears neither of the
# COMMIT nor of the end of the connection. deaf: it never leaves, and both sides wait for each other.
Cut = Literal["before", "after", "stuck", "deaf"]


WHOLE_BATCH = b"WITH "  # so begin the statements that are a transaction of their own; reading has none of them
IDLE = b"Z\0\0\0\x05I"  # Postgres is ready for a query, and in no transaction


class Wire:
    """Listens on a port of its own. `cut` is how the next COMMIT is lost; None for not at all. `cuts` counts them."""

    def __init__(self, conninfo: str) -> None:
        there = conninfo_to_dict(conninfo)
        self._there = (str(there.get("host") or "127.0.0.1"), int(there.get("port") or 5432))
        self._door = socket.create_server(("127.0.0.1", 0))
        self.conninfo = make_conninfo(conninfo, host="127.0.0.1", port=self._door.getsockname()[1], sslmode="disable")
        self.cut: Cut | None = None
        self.cuts = 0
        self.held: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Let go of all that is held, and let nobody through any more."""
        with suppress(OSError):
            self._door.shutdown(socket.SHUT_RDWR)
        self._door.close()
        for each in self.held:
            each.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._door.accept()
                _Pair(self, client, socket.create_connection(self._there)).start()


class _Pair:
    """One connection: what the client sends is read message by message, what the server sends is passed on."""

    def __init__(self, wire: Wire, client: socket.socket, server: socket.socket) -> None:
        self.wire, self.client, self.server = wire, client, server
        self.queries: dict[bytes, bytes] = {}  # prepared statements by name
        self.is_last = False

    def start(self) -> None:
        for work in (self._up, self._down):
            threading.Thread(target=work, daemon=True).start()

    def _up(self) -> None:
        with suppress(OSError):
            waiting = b""
            self.server.sendall(self._exactly(int.from_bytes(head := self._exactly(4), "big") - 4, head))
            while piece := self.client.recv(1 << 16):
                waiting += piece
                ready = b""
                while len(waiting) >= 5 and len(waiting) >= (size := 1 + int.from_bytes(waiting[1:5], "big")):
                    message, waiting = waiting[:size], waiting[size:]
                    if self._commits(message) and (cut := self.wire.cut):
                        self.wire.cut = None
                        self.wire.cuts += 1
                        if self._is_lost(cut, ready):
                            return
                    ready += message
                self.server.sendall(ready)
        self._end()

    def _is_lost(self, cut: Cut, ready: bytes) -> bool:
        """Whether nothing more goes to the server."""
        if cut == "after":
            self.is_last = True  # `_down` ends it when Postgres has said that it is done
            return False
        if cut == "stuck":
            self.wire.held.append(self.server)
            self.server.sendall(ready)
            self.client.shutdown(socket.SHUT_RDWR)
        elif cut == "deaf":
            self.server.sendall(ready)
        else:
            self._end()
        return True

    def _exactly(self, size: int, head: bytes = b"") -> bytes:
        got = b""
        while len(got) < size:
            piece = self.client.recv(size - len(got))
            if not piece:
                raise ConnectionError
            got += piece
        return head + got

    def _commits(self, message: bytes) -> bool:
        kind, body = message[:1], message[5:]
        if kind == b"P":
            name, query, _ = body.split(b"\0", 2)
            self.queries[name] = query
            return False
        if kind == b"B":
            query = self.queries.get(body.split(b"\0", 2)[1], b"")
            return query == b"COMMIT" or query.startswith(WHOLE_BATCH)
        return kind == b"Q" and body == b"COMMIT\0"

    def _down(self) -> None:
        with suppress(OSError):
            while piece := self.server.recv(1 << 16):
                if self.is_last and IDLE in piece:
                    break
                if not self.is_last:
                    self.client.sendall(piece)
        if self.server not in self.wire.held:
            self._end()

    def _end(self) -> None:
        for each in (self.client, self.server):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
