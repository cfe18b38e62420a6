"""Daphne, held to what ASGI promises: bodies, frames and answers that wait are bounded, and a close says why.

Daphne 4.2.3 reads a whole body into memory before the application sees it, queues frames without a bound, writes
without looking whether anybody reads, and drops the reason of a close. The classes here put that right and leave the
rest to Daphne. `config.asgi` makes Daphne's command line use them; other ASGI servers need none of it.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from http.client import responses
from typing import Any, ClassVar

import daphne.server
import orjson
from autobahn.util import encode_truncate
from daphne.http_protocol import HTTPFactory, WebRequest
from daphne.ws_protocol import WebSocketFactory, WebSocketProtocol
from django.conf import settings
from twisted.internet import reactor
from twisted.internet.defer import Deferred

from config.calls import Call, Channel
from config.writing import write_now
from objects.surfaces.frames import Take, short_texts
from objects.surfaces.lookup import upload_limits
from objects.surfaces.refusals import answer_of
from teams.problems import Overloaded, Problem, TooLarge

BODY_CHUNK_BYTES = 64 * 1024
INBOX_MESSAGES = 64  # frames that wait for the application before the socket is read no further ...
INBOX_BYTES = 1 << 20  # ... or so much of them
FORM_OVERHEAD_BYTES = 1 << 20  # what a form may need around its file
LINGER_S = 2.0  # how long a refused upload may go on into nothing, so that the refusal is read
CLOSE_TOO_LARGE = 1009
FINISH_S = 10.0  # how long requests under way may take to end when the process is told to stop
CONNECT_S = (
    20.0  # how long a socket may take to be let in; with the 5 of Daphne's command line a busy machine lets none
)
CLOSE_S = 5.0  # how long a socket's other side may take to answer a close

Message = dict[str, Any]


class Flow:
    """Whether a connection takes more, as Twisted tells its producers; one may wait for it."""

    __slots__ = ("_waiting", "full", "on_room")

    def __init__(self) -> None:
        self.full = False
        self.on_room: Callable[[], None] | None = None
        self._waiting: asyncio.Future[None] | None = None

    def pauseProducing(self) -> None:  # noqa: N802 -- Twisted's name
        self.full = True

    def resumeProducing(self) -> None:  # noqa: N802 -- Twisted's name
        self.full = False
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)
        if self.on_room is not None:
            self.on_room()

    def stopProducing(self) -> None:  # noqa: N802 -- Twisted's name
        """The connection is lost: nobody needs to wait."""
        self.on_room = None
        self.resumeProducing()

    async def room(self) -> None:
        """Wait until what was written so far is on its way."""
        while self.full:
            self._waiting = asyncio.get_running_loop().create_future()
            await self._waiting


class Request(WebRequest):  # type: ignore[misc]
    """A request whose body stays in Twisted's temporary file until asked for, and stops at its limit.

    That is BODY_BYTES, and more for a command that takes large files (`files.put`, `import`). The body is on the disk
    before anybody knows whose it is, so few of the large ones are taken at once (UPLOADS).
    """

    refused = False
    received_bytes = 0
    limit = "BODY_BYTES"
    is_endless = False  # a stream of events: nobody waits for its end when the process stops
    larges: ClassVar[set["Request"]] = set()  # with a body larger than BODY_BYTES

    def gotLength(self, length: int | None) -> None:  # noqa: N802 -- Twisted's name
        self._parsePOSTFormSubmission = False  # Twisted would read a whole form into memory; the application reads it
        self.limit = upload_limits().get(self._command_name(), "BODY_BYTES")
        self._look_at_size(length or 0)
        super().gotLength(0 if self.refused else length)

    def handleContentChunk(self, data: bytes) -> None:  # noqa: N802 -- Twisted's name
        self.received_bytes += len(data)
        self._look_at_size(self.received_bytes)
        if not self.refused:
            super().handleContentChunk(data)

    def connectionLost(self, reason: Any) -> None:  # noqa: N802 -- Twisted's name
        self.larges.discard(self)
        super().connectionLost(reason)

    def finish(self) -> None:
        self.larges.discard(self)
        super().finish()

    def _command_name(self) -> str:
        """Name the command that the address ends with; the body may come before Twisted tells the address."""
        address: bytes = self.channel._path  # noqa: SLF001 -- Twisted has no other way
        return address.partition(b"?")[0].rpartition(b":")[2].decode("latin-1")

    def _look_at_size(self, body_bytes: int) -> None:
        """Refuse a body that is too large, or one of too many large ones."""
        limits = settings.GROVE
        limit_bytes: int = getattr(limits, self.limit)
        if self.refused:
            return
        if body_bytes > limit_bytes + FORM_OVERHEAD_BYTES:
            self._refuse(TooLarge(f"The body: larger than {limit_bytes:,} bytes (limit {self.limit}). Send less."))
        elif body_bytes > limits.BODY_BYTES + FORM_OVERHEAD_BYTES and self not in self.larges:
            if len(self.larges) >= limits.UPLOADS:
                self._refuse(
                    Overloaded(
                        f"{limits.UPLOADS} large files are coming in already (limit UPLOADS). Send yours again soon.",
                        retry_after_s=10,
                    )
                )
            else:
                self.larges.add(self)

    def process(self) -> Any:
        if self.refused:
            return self.channel.loseConnection()
        if self.server.is_stopping:
            self._refuse(Overloaded("This process is stopping. Ask again: another one answers.", retry_after_s=1))
            return self.channel.loseConnection()
        self.flow = Flow()
        # Anybody could send it, and Daphne would take it for the application's place (or stumble over its bytes).
        self.requestHeaders.removeHeader(b"daphne-root-path")
        protocols = self.requestHeaders.getRawHeaders(b"sec-websocket-protocol", [])
        if not all(value.isascii() for value in protocols):
            self.requestHeaders.removeHeader(b"sec-websocket-protocol")
        return super().process()

    def setResponseCode(self, code: int, message: bytes | None = None) -> None:  # noqa: N802 -- Twisted's name
        """Twisted does not know the newer codes' names."""
        super().setResponseCode(code, message or responses.get(code, "").encode())

    def basic_error(self, status: int, status_text: bytes, body: str) -> None:
        """Refuse as all of Grove does, where Daphne would write a page; the connection is not used again."""
        text = status_text.decode()
        problem = {"type": text.lower().replace(" ", "-"), "title": text, "status": status, "detail": f"{body}."}
        headers = [(b"content-type", b"application/problem+json"), (b"connection", b"close")]
        channel = self.channel
        self.handle_reply({"type": "http.response.start", "status": status, "headers": headers})
        self.handle_reply({"type": "http.response.body", "body": orjson.dumps(problem)})
        if channel is not None:
            channel.loseConnection()

    def handle_exception(self, exception: BaseException) -> None:
        """Cut an answer that is under way; Daphne would begin another one inside of it."""
        if self._response_started:
            self.channel.forceAbortClient()
        else:
            super().handle_exception(exception)

    def _refuse(self, problem: Problem) -> None:
        self.refused = True
        self.larges.discard(self)
        status, headers, body = answer_of(problem)
        lines = [(b"connection", b"close"), (b"content-length", b"%d" % len(body)), *headers]
        self.channel.transport.write(
            b"HTTP/1.1 %d %b\r\n" % (status, responses.get(status, "").encode())
            + b"".join(b"%b: %b\r\n" % line for line in lines)
            + b"\r\n"
            + body
        )
        reactor.callLater(LINGER_S, self._hang_up)  # type: ignore[arg-type]

    def _hang_up(self) -> None:
        if self.channel is not None and not self._disconnected:
            self.channel.loseConnection()

    async def send(self, message: Message) -> None:
        """Write, and wait while the other side does not read."""
        if self.finished or self.channel is None or self._disconnected:
            return
        if message["type"] == "http.response.start":
            self.is_endless = (b"content-type", b"text/event-stream") in message.get("headers", ())
        if message["type"] == "http.response.start" and self.producer is None:
            self.registerProducer(self.flow, streaming=True)
        if message["type"] == "http.response.body" and not message.get("more_body"):
            self.unregisterProducer()
        self.handle_reply(message)
        if self.flow.full and not self.finished:
            await self.flow.room()


class HttpInbox:
    """What the application receives of a request: the body in chunks as it asks for them, then the disconnect."""

    __slots__ = ("_at", "_ended", "_gone", "_request")

    def __init__(self, request: Request) -> None:
        self._request = request
        self._at = 0
        self._ended = False
        self._gone = asyncio.Event()

    def put_nowait(self, message: Message) -> None:
        if message["type"] == "http.disconnect":
            self._gone.set()

    async def get(self) -> Message:
        if not self._ended and not self._gone.is_set():
            content = self._request.content
            content.seek(self._at)
            chunk = content.read(BODY_CHUNK_BYTES)
            self._at += len(chunk)
            self._ended = len(chunk) < BODY_CHUNK_BYTES
            return {"type": "http.request", "body": chunk, "more_body": not self._ended}
        await self._gone.wait()
        return {"type": "http.disconnect"}


class SocketInbox:
    """Frames that wait for the application; the socket is not read while there are many."""

    __slots__ = ("_bytes", "_messages", "_paused", "_protocol", "_waiting", "take")

    def __init__(self, protocol: "Socket") -> None:
        self._protocol = protocol
        self._messages: deque[Message] = deque()
        self._bytes = 0
        self._paused = False
        self._waiting: asyncio.Future[None] | None = None
        self.take: Take | None = None  # the application's way to take messages without being woken for each

    def on_texts(self, take: Take) -> None:
        """Have `take` offered the texts that come; it tells how many it took."""
        self.take = take

    def put_texts(self, texts: list[bytes]) -> None:
        """Hand messages over at once, or let them wait behind those that wait already."""
        taken = self.take(texts) if self.take is not None and not self._messages else 0
        for text in texts[taken:] if taken else texts:
            self.put_nowait({"type": "websocket.receive", "text": text.decode()})

    def put_nowait(self, message: Message) -> None:
        self._messages.append(message)
        self._bytes += _size(message)
        if self._waiting is not None:
            if not self._waiting.done():
                self._waiting.set_result(None)
        elif not self._paused and (len(self._messages) >= INBOX_MESSAGES or self._bytes >= INBOX_BYTES):
            self._paused = True
            self._protocol.transport.pauseProducing()

    def close(self) -> None:
        """Read on, so that the other side's answer to a close is seen; what waited is not needed any more."""
        self.take = None
        self._messages.clear()
        self._bytes = 0
        if self._paused:
            self._paused = False
            self._protocol.transport.resumeProducing()

    async def get(self) -> Message:
        while not self._messages:
            self._waiting = asyncio.get_running_loop().create_future()
            try:
                await self._waiting
            finally:
                self._waiting = None
        message = self._messages.popleft()
        self._bytes -= _size(message)
        if self._paused and not self._messages:
            self._paused = False
            self._protocol.transport.resumeProducing()
        return message


def _size(message: Message) -> int:
    return len(message.get("text") or message.get("bytes") or b"")


class Socket(WebSocketProtocol):  # type: ignore[misc]
    """A WebSocket that waits for readers, and gives the application a way to write many frames at once."""

    flow: Flow | None = None
    is_deaf = False

    def _max_message_size_exceeded(self, size: int, limit_bytes: int, _reason: str) -> None:
        """Close with the reason, where autobahn would drop the connection; hear nothing of what still comes."""
        self.is_deaf = True
        text = f"A message of {size:,} bytes: {limit_bytes:,} is the most (limit ARGUMENT_BYTES). Send less."
        self.sendCloseFrame(CLOSE_TOO_LARGE, encode_truncate(text, 123))
        reactor.callLater(LINGER_S, self.dropConnection, True)  # type: ignore[arg-type]  # noqa: FBT003

    def dataReceived(self, data: bytes) -> None:  # noqa: N802 -- Twisted's name
        """Take what came without autobahn's words for a log that nobody keeps."""
        self._dataReceived(data)

    def _dataReceived(self, data: bytes) -> None:  # noqa: N802 -- autobahn's name
        """Take short whole text frames here, which nearly all are: autobahn's way costs each of them 0.05 ms."""
        if self.is_deaf:
            return
        at = 0
        if self.state == self.STATE_OPEN and not (self.data or self.current_frame or self.inside_message):
            texts, at = short_texts(data)
            if texts:
                self.last_ping = time.time()
                self.application_queue.put_texts(texts)
        if at < len(data):
            super()._dataReceived(data[at:] if at else data)

    def onOpen(self) -> None:  # noqa: N802 -- autobahn's name
        # The HTTP channel of before the upgrade is still the transport's producer.
        self.transport.unregisterProducer()
        self.transport.registerProducer(self._flow(), True)  # noqa: FBT003 -- Twisted's signature
        self.transport.setTcpNoDelay(True)
        super().onOpen()

    def onMessage(self, payload: bytes, isBinary: bool) -> None:  # noqa: N802, N803 -- autobahn's names
        if self.state != self.STATE_OPEN:
            return
        self.last_ping = time.time()
        if isBinary:
            self.application_queue.put_nowait({"type": "websocket.receive", "bytes": payload})
        else:
            self.application_queue.put_nowait({"type": "websocket.receive", "text": payload.decode()})

    def _flow(self) -> Flow:
        if self.flow is None:
            self.flow = Flow()
        return self.flow

    def write(self, frames: bytes) -> bool:
        """Write whole frames; False when no more should be written before `on_room` is called. Never waits."""
        if self.state == self.STATE_OPEN:
            write_now(self.transport, frames)
        return not self._flow().full

    def on_room(self, call: Callable[[], None]) -> None:
        """Have `call` called whenever there is room again."""
        self._flow().on_room = call

    async def send(self, message: Message) -> None:
        """Write, and wait while the other side does not read."""
        if message["type"] == "websocket.close" and self.state != self.STATE_CONNECTING:
            # Not sendClose(): autobahn keeps the codes that servers need (1003, 1008, 1009) from applications.
            self.sendCloseFrame(message.get("code") or 1000, encode_truncate(message.get("reason") or "", 123))
            self.application_queue.close()
            return
        if self.state in (self.STATE_CLOSING, self.STATE_CLOSED):
            return
        self.handle_reply(message)
        if self.flow is not None and self.flow.full:
            await self.flow.room()


class Factory(HTTPFactory):  # type: ignore[misc]
    """Makes our channels and requests."""

    protocol = Channel

    def buildProtocol(self, addr: Any) -> Any:  # noqa: N802 -- Twisted's name
        protocol = super().buildProtocol(addr)
        protocol.requestFactory = Request
        return protocol


class SocketFactory(WebSocketFactory):  # type: ignore[misc]
    """Makes our sockets."""

    protocol = Socket


class Server(daphne.server.Server):  # type: ignore[misc]
    """Daphne's server with the requests and sockets of this module.

    Told to stop, it takes nothing new, ends sockets and streams, and lets requests under way end within FINISH_S.
    Daphne's own would cut them off, and nobody would know whether their calls took place.
    """

    is_stopping = False

    def run(self) -> None:
        daphne.server.HTTPFactory = Factory
        daphne.server.WebSocketFactory = SocketFactory
        self.websocket_connect_timeout = self.websocket_handshake_timeout = CONNECT_S
        self.request_buffer_size = 1 << 20  # Daphne's own reading of the body goes nowhere: in few steps
        reactor.callWhenRunning(self._set_up_sockets)
        super().run()

    def _set_up_sockets(self) -> None:
        limit = settings.GROVE.ARGUMENT_BYTES
        self.ws_factory.setProtocolOptions(
            closeHandshakeTimeout=CLOSE_S, maxMessagePayloadSize=limit, maxFramePayloadSize=limit
        )

    def kill_all_applications(self) -> Any:
        """End what is under way, and wait until all of it has ended: terminals write down where they are.

        Daphne's stumbles over a socket that was opened just now, and waits for the first that ends only.
        """
        self.is_stopping = True
        for listener in self.listeners:
            listener.addCallback(lambda port: port.stopListening())
        return Deferred.fromFuture(asyncio.ensure_future(self._end()))

    async def _end(self) -> None:
        lasting = self._running(lambda protocol: not isinstance(protocol, Request | Call) or protocol.is_endless)
        for application in lasting:
            application.cancel()
        requests = self._running(lambda protocol: isinstance(protocol, Request | Call) and not protocol.is_endless)
        if requests:
            await asyncio.wait(requests, timeout=FINISH_S)
        for application in requests:
            application.cancel()
        await asyncio.gather(*lasting, *requests, return_exceptions=True)
        await asyncio.sleep(0.05)  # what was written last is on its way

    def _running(self, is_meant: Callable[[Any], bool]) -> list["asyncio.Future[Any]"]:
        return [
            details["application_instance"]
            for protocol, details in self.connections.items()
            if "application_instance" in details and not details["application_instance"].done() and is_meant(protocol)
        ]

    def create_application(self, protocol: Any, scope: Message) -> Any:
        """Start the application on a request or a socket, and give the queue that Daphne fills for it."""
        details = self.connections.get(protocol)
        if details is None:
            return None
        scope["asgi"] = {"version": "3.0"}
        inbox: HttpInbox | SocketInbox
        if scope["type"] == "http":
            inbox = HttpInbox(protocol)
        else:
            inbox = SocketInbox(protocol)
            frames = {"write": protocol.write, "on_room": protocol.on_room, "on_texts": inbox.on_texts}
            scope["extensions"] = {"grove.frames": frames}
        application = self.application(scope, inbox.get, protocol.send)
        details["application_instance"] = asyncio.ensure_future(application)
        return inbox
