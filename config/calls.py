"""The quick way in: calls over HTTP that come plain and short go to the application without Twisted's request.

Nearly all calls do: POST or GET below `/api/v1/`, HTTP/1.1, headers in plain ASCII, a short body of a told length.
Twisted and Daphne spend twice as much of the interpreter on such a request as the call itself takes. `Channel` looks
whether a request is of this form, to the letter; whatever is not, in any point, is left to Twisted as it came.
"""

import asyncio
import logging
import re
from http.client import responses
from typing import Any
from urllib.parse import unquote

import orjson
from twisted.web.http import HTTPChannel

from config.writing import write_now

log = logging.getLogger("daphne.server")

Message = dict[str, Any]
Header = tuple[bytes, bytes]

SHORT_BYTES = 64 * 1024  # the longest body that is taken here
_HEAD = re.compile(rb"(GET|POST) (/api/v1/[!-~]*) HTTP/1\.1\r\n((?:[A-Za-z0-9-]+:[ -~]*\r\n)+)\r\n")
# What says where a request ends or what becomes of its connection; the last is Daphne's own. Twisted knows these.
_NOT_PLAIN = frozenset({b"transfer-encoding", b"upgrade", b"expect", b"daphne-root-path"})


class Channel(HTTPChannel):
    """A connection. Twisted's own but for plain calls."""

    factory: Any
    transport: Any
    _networkProducer: Any  # noqa: N815 -- Twisted's name
    _begun = b""  # of a plain call, whose body is still to come

    def dataReceived(self, data: bytes) -> None:  # noqa: N802 -- Twisted's name
        if self._begun:
            data, self._begun = self._begun + data, b""
        is_idle = self.line_mode and not (self.requests or self._buffer or self._busyReceiving)
        read = read_call(data) if is_idle and self.persistent and self._takes_plain() else None
        if read is None:
            super().dataReceived(data)
            return
        self.resetTimeout()
        method, address, headers, body = read
        if body is None:
            self._begun = data
        else:
            self._call(method, address, headers, body)

    def _takes_plain(self) -> bool:
        server, transport = self.factory.server, self.transport
        return not (
            server.is_stopping
            or server.action_logger
            or server.proxy_forwarded_address_header
            or transport.disconnecting
            or self.isSecure()
        )

    def _call(self, method: str, address: bytes, headers: list[Header], body: bytes) -> None:
        server, peer, host = self.factory.server, self.transport.getPeer(), self.transport.getHost()
        path, _, query = address.partition(b"?")
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http",
            "path": unquote(path.decode()), "raw_path": path, "root_path": server.root_path, "query_string": query,
            "headers": headers, "client": [peer.host, peer.port], "server": [host.host, host.port],
        }  # fmt: skip
        call = Call(self, body)
        # What comes meanwhile is kept by Twisted, within bounds, as while it answers a request of its own.
        self.requests.append(call)
        self._handlingRequest = True
        self.setRawMode()
        task = asyncio.ensure_future(server.application(scope, call.receive, call.send))
        server.connections[call] = {"connected": 0.0, "application_instance": task}
        task.add_done_callback(call.done)

    def call_ended(self) -> None:
        """Go on with what came meanwhile."""
        self.requests.clear()
        self._handlingRequest = False
        self.resetTimeout()
        if self._waitingForTransport:
            self._networkProducer.pauseProducing()
        elif self._dataBuffer:
            self._networkProducer.resumeProducing()
        data, self._dataBuffer = b"".join(self._dataBuffer), []
        self.setLineMode(data)

    def timeoutConnection(self) -> None:  # noqa: N802 -- Twisted's name
        """Wait on while a call is under way; Twisted stops its clock for each request instead, which costs more."""
        if self._handlingRequest:
            self.setTimeout(self.timeOut)
        else:
            super().timeoutConnection()


class Call:
    """A plain call under way, as the channel and Daphne know their requests.

    is_endless: it is answered by a stream of events: nobody waits for its end when the process stops.
    """

    is_endless = False

    def __init__(self, channel: Channel, body: bytes) -> None:
        self._channel = channel
        self._server = channel.factory.server
        self._body: bytes | None = body
        self._head = b""
        self._is_chunked = self._is_under_way = self._is_over = False
        self._over: asyncio.Future[None] | None = None
        self._room: asyncio.Future[None] | None = None  # there is one while the connection takes no more

    async def receive(self) -> Message:
        """Give the body, then wait for the end of the answer or the connection."""
        body, self._body = self._body, None
        if body is not None:
            return {"type": "http.request", "body": body, "more_body": False}
        if not self._is_over:
            self._over = self._over or asyncio.get_running_loop().create_future()
            await asyncio.shield(self._over)
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """Write a part of the answer, and wait while the other side does not read."""
        if self._is_over:
            return
        if message["type"] == "http.response.start":
            self._head = self._written(message)
            return
        body: bytes = message.get("body", b"")
        is_last = not message.get("more_body")
        if self._is_chunked:
            body = (b"%x\r\n%b\r\n" % (len(body), body) if body else b"") + (b"0\r\n\r\n" if is_last else b"")
        if not (is_last or self._is_under_way):
            self._is_under_way = True
            self._channel.registerProducer(self, True)  # noqa: FBT003 -- Twisted's signature
        head, self._head = self._head, b""
        write_now(self._channel.transport, head + body)
        if is_last:
            self._end()
            self._channel.call_ended()
        elif self._room is not None:
            await self._room

    def _written(self, message: Message) -> bytes:
        headers = list(message.get("headers", ()))
        self.is_endless = (b"content-type", b"text/event-stream") in headers
        self._is_chunked = not any(name == b"content-length" for name, _ in headers)
        if self._server.server_name:
            headers.append((b"server", self._server.server_name.encode()))
        if self._is_chunked:
            headers.append((b"transfer-encoding", b"chunked"))
        status: int = message["status"]
        lines = [b"%b: %b\r\n" % header for header in headers]
        head = b"HTTP/1.1 %d %b\r\n%b\r\n" % (status, responses.get(status, "").encode(), b"".join(lines))
        if head.count(b"\n") != len(lines) + 2 or head.count(b"\r") != len(lines) + 2:
            raise ValueError("a header of an answer has a line break in it")
        return head

    def _end(self) -> None:
        self._is_over = True
        if self._is_under_way:
            self._channel.unregisterProducer()
        for waiting in (self._over, self._room):
            if waiting is not None and not waiting.done():
                waiting.set_result(None)

    def done(self, task: "asyncio.Task[None]") -> None:
        """Look how the application ended. Where it did so without an answer, say that, or cut what is under way."""
        del self._server.connections[self]
        fault = None if task.cancelled() else task.exception()
        if fault is not None:
            log.error("Exception inside application: %s", fault, exc_info=fault)
        if self._is_over:
            return
        channel = self._channel
        if fault is None or self._is_under_way:
            channel.forceAbortClient()
            return
        problem = {"type": "internal-server-error", "title": "Internal Server Error", "status": 500}
        body = orjson.dumps(problem | {"detail": "Exception inside application."})
        headers = [(b"content-type", b"application/problem+json"), (b"connection", b"close")]
        headers.append((b"content-length", b"%d" % len(body)))
        write_now(channel.transport, self._written({"status": 500, "headers": headers}) + body)
        self._end()
        channel.loseConnection()

    def connectionLost(self, _reason: Any) -> None:  # noqa: N802 -- Twisted's name
        if not self._is_over:
            self._end()
        if self in self._server.connections:
            self._server.protocol_disconnected(self)

    def pauseProducing(self) -> None:  # noqa: N802 -- Twisted's name
        if self._room is None or self._room.done():
            self._room = asyncio.get_running_loop().create_future()

    def resumeProducing(self) -> None:  # noqa: N802 -- Twisted's name
        if self._room is not None and not self._room.done():
            self._room.set_result(None)
        self._room = None

    stopProducing = resumeProducing  # noqa: N815 -- Twisted's name

    def check_timeouts(self) -> None:
        """Do nothing: Daphne asks this of its requests, and a call has a limit of its own."""


def read_call(data: bytes) -> tuple[str, bytes, list[Header], bytes | None] | None:
    """Give method, address, headers and body of the one plain call that this is; the body is None while it comes.

    None for all else.
    """
    found = _HEAD.match(data)
    if found is None or found.end() > HTTPChannel.totalHeadersSize:
        return None
    method, address, lines = found.groups()
    headers: list[Header] = []
    length = None
    for line in lines.split(b"\r\n")[:-1]:
        name, _, value = line.partition(b":")
        name, value = name.lower(), value.strip()
        if name == b"content-length":
            if length is not None or not value.isdigit() or len(value) > len(str(SHORT_BYTES)):
                return None
            length = int(value)
        elif name in _NOT_PLAIN or (name == b"connection" and value.lower() != b"keep-alive"):
            return None
        headers.append((name, value))
    wanted = found.end() + (length or 0)
    if len(headers) > HTTPChannel.maxHeaders or (length or 0) > SHORT_BYTES or len(data) > wanted:
        return None
    return method.decode(), address, headers, data[found.end() :] if len(data) == wanted else None
