"""What must not be reached, and a site from which it is tried: both on loopback."""

import asyncio
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import unquote

PAGE = b"<!doctype html><title>evil</title><body>evil"
WORKER = b"onmessage = async (e) => { try { await fetch(e.data, {mode: 'no-cors'}) } catch {} postMessage('done') }"
SERVICE_WORKER = b"""onactivate = (e) => e.waitUntil(clients.claim())
onmessage = (e) => e.waitUntil(
  fetch(e.data, {mode: 'no-cors'}).catch(() => 0).then(() => e.source.postMessage('done')))"""


class _Udp(asyncio.DatagramProtocol):
    def __init__(self, reached: list[str]) -> None:
        self._reached = reached

    def datagram_received(self, data: bytes, addr: object) -> None:
        self._reached.append("udp")


@dataclass
class Trap:
    """Listens on a port of 127.0.0.1 and ::1, TCP and UDP, and writes down all that reaches it."""

    secret: bytes = b"the secret of the private network"
    reached: list[str] = field(default_factory=list)
    port: int = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._answer, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        self._server6 = await asyncio.start_server(self._answer, "::1", self.port)
        loop = asyncio.get_running_loop()
        self._udp, _ = await loop.create_datagram_endpoint(
            lambda: _Udp(self.reached), local_addr=("127.0.0.1", self.port)
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        self._server6.close()
        self._udp.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reached.append("tcp")
        try:
            if (first := await reader.read(1)) == b"\x16":  # TLS: that it came is enough
                return
            head = first + await reader.readuntil(b"\r\n\r\n")
            self.reached.append(head.split(b"\r\n")[0].decode())
            writer.write(
                b"HTTP/1.1 200 OK\r\nAccess-Control-Allow-Origin: *\r\nContent-Type: text/html\r\nConnection: close\r\n"
                b"Content-Length: %d\r\n\r\n%b" % (len(self.secret), self.secret)
            )
            await writer.drain()
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            writer.close()


@dataclass
class Evil:
    """A site that may be reached, and leads elsewhere: `/to?<address>` redirects."""

    port: int = 0
    asked: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._answer, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    @property
    def url(self) -> str:
        return f"http://evil.localhost:{self.port}"

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            first, *lines = head.strip().split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
            body = await reader.readexactly(int(headers.get("content-length", 0)))
            self.asked.append((first, headers, body))
            path = first.split(" ")[1]
            status, content, more = "200 OK", PAGE, "Content-Type: text/html"
            if path.startswith("/to?"):
                status, more = "302 Found", f"Location: {unquote(path[4:])}"
            elif path.endswith(".js"):
                content = SERVICE_WORKER if path == "/sw.js" else WORKER
                more = "Content-Type: text/javascript\r\nService-Worker-Allowed: /"
            writer.write(
                f"HTTP/1.1 {status}\r\n{more}\r\nAccess-Control-Allow-Origin: *\r\nConnection: close\r\n"
                f"Content-Length: {len(content)}\r\n\r\n".encode()
                + content
            )
            await writer.drain()
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            writer.close()
