"""The one HTTP client: every connection goes to an address that the guard has checked, and everything about it ends.

TLS checks the name that was asked for, not the address. Redirects are followed here, each checked like the first. The
time limit holds for all of it, from the first name to the last byte, and the size limit for what is unpacked. No
proxy, no netrc, no cookies, nothing from the environment.
"""

import ssl
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final
from urllib.parse import urljoin

import certifi
import httpcore
import httpx
from django.conf import settings

from objects.network.guard import Guard, Unreachable, guard
from teams.problems import NotAllowed, OutOfTime, Problem, TooLarge, WrongArgument

MIB: Final = 1 << 20
CHUNK_BYTES: Final = 64 * 1024
REDIRECTS: Final = (301, 302, 303, 307, 308)
AGENT: Final = "Grove/1"

# Ours to write: the connection, its framing, and whom the request is for.
REFUSED_HEADERS: Final = frozenset({
    "connection", "content-length", "expect", "host", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade",
})  # fmt: skip
# What goes along to another site; all else may be a secret of the first.
HARMLESS_HEADERS: Final = frozenset({"accept", "accept-language", "content-type", "user-agent"})


@dataclass(frozen=True, slots=True)
class Request:
    """What to ask for. `seconds` and `max_bytes` are limits for all of it."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    seconds: float = 30.0
    max_bytes: int = 8 * MIB
    redirects: int = 10


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; any status is an answer. url: where it came from in the end. via: the addresses before it."""

    status: int
    url: str
    headers: list[tuple[str, str]]
    body: bytes
    via: tuple[str, ...]

    def header(self, name: str) -> str:
        """Give the first header of this name, "" where there is none."""
        return next((value for key, value in self.headers if key == name), "")


class _Clock:
    """The one deadline of a request."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._ends_at = time.monotonic() + seconds

    def left(self) -> float:
        """Give the seconds left; raises OutOfTime where there are none."""
        left = self._ends_at - time.monotonic()
        if left <= 0:
            raise self.out()
        return left

    def out(self) -> OutOfTime:
        return OutOfTime(f"the answer was not there in {self.seconds:g} s. Give it more time, or ask for less.")


class _Stream(httpcore.NetworkStream):
    """A connection whose every read and write ends with the request's time."""

    def __init__(self, inner: httpcore.NetworkStream, clock: _Clock) -> None:
        self._inner = inner
        self._clock = clock

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002 -- the clock has it
        return self._inner.read(max_bytes, self._clock.left())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002 -- the clock has it
        self._inner.write(buffer, self._clock.left())

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002 -- the clock has it
    ) -> httpcore.NetworkStream:
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, self._clock.left()), self._clock)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class _Checked(httpcore.NetworkBackend):
    """Connects to addresses that the guard has checked, to nothing else."""

    def __init__(self, guard: Guard, clock: _Clock) -> None:
        self._guard = guard
        self._clock = clock
        self._inner = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002 -- the clock has it
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        addresses = self._guard.addresses(host, port, self._clock.left())
        for number, address in enumerate(addresses, start=1):
            try:
                share_s = self._clock.left() / (len(addresses) - number + 1)
                return _Stream(
                    self._inner.connect_tcp(address, port, share_s, local_address, socket_options), self._clock
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if number == len(addresses):
                    raise
        raise Unreachable(f"{host}: has no address.")

    def connect_unix_socket(self, *_: Any, **__: Any) -> httpcore.NetworkStream:
        raise NotAllowed("a socket of this machine: only http and https are reached.")


@cache
def _tls() -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=certifi.where())
    if settings.NETWORK_CA:
        context.load_verify_locations(settings.NETWORK_CA)
    return context


def fetch(request: Request, *, by: Guard | None = None, tells: Callable[[int, int], None] | None = None) -> Answer:
    """Ask for something and give the answer, whatever its status.

    by: the guard, this node's own where none is given.
    tells: is told of the bytes so far and of those announced (0: unknown), while the body comes.
    Raises NotAllowed for an address that may not be reached, Unreachable, OutOfTime, TooLarge, WrongArgument.
    """
    by = by or guard()
    clock = _Clock(request.seconds)
    method, url, body = request.method.upper(), _url(request.url), request.body
    headers = _headers(request.headers)
    via: list[str] = []
    while True:
        with (
            closing(httpcore.ConnectionPool(_tls(), network_backend=_Checked(by, clock))) as pool,
            _problems(url, clock),
            pool.stream(method, str(url), headers=_sent(headers, url, method, body), content=body or None) as response,
        ):
            answered = [(k.decode("latin-1").lower(), v.decode("latin-1")) for k, v in response.headers]
            location = next((value for name, value in answered if name == "location"), "")
            if response.status not in REDIRECTS or not location:
                content = b"" if method == "HEAD" else _body(response, answered, request.max_bytes, tells)
                return Answer(response.status, str(url), answered, content, tuple(via))
            status = response.status
        if len(via) >= request.redirects:
            raise Unreachable(
                f"{request.url[:200]}: leads from address to address, more than {request.redirects} times."
            )
        via.append(str(url))
        following = _url(location, "the redirect", str(url))
        if (following.scheme, following.host, following.port) != (url.scheme, url.host, url.port):
            headers = [each for each in headers if each[0] in HARMLESS_HEADERS]
        if status == 303 or (status in (301, 302) and method == "POST"):
            method, body = ("HEAD" if method == "HEAD" else "GET"), b""
            headers = [each for each in headers if each[0] != "content-type"]
        url = following


class _problems:  # noqa: N801 -- reads as a sentence: with _problems(url, clock)
    """Turns what httpcore raises into problems."""

    def __init__(self, url: httpx.URL, clock: _Clock) -> None:
        self.where = f"{url.host}{'' if url.port is None else f':{url.port}'}"
        self.clock = clock

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        if error is None or isinstance(error, Problem):
            return
        if isinstance(error, httpcore.TimeoutException):
            raise self.clock.out() from error
        if isinstance(error, httpcore.RemoteProtocolError | httpcore.LocalProtocolError):
            raise Unreachable(f"{self.where}: does not speak HTTP as it should: {str(error)[:200]}") from error
        if isinstance(error, ssl.SSLError | httpcore.ConnectError | httpcore.NetworkError | OSError | zlib.error):
            raise Unreachable(f"{self.where}: {_reason(error)}") from error


def _reason(error: BaseException) -> str:
    text = str(error)
    if "CERTIFICATE_VERIFY_FAILED" in text:
        return f"its certificate is not to be trusted:{text.partition('failed:')[2].partition('(')[0]}".rstrip() + "."
    if "refused" in text:
        return "nothing listens there."
    if isinstance(error, zlib.error):
        return "its answer is packed and damaged."
    return f"the connection failed: {text[:200]}"


def check_url(text: str, field: str) -> None:
    """Refuse an address that nothing could be fetched from; raises WrongArgument for a field."""
    try:
        _url(text, field)
    except WrongArgument as problem:
        raise WrongArgument(field, problem.detail) from None


def _url(text: str, what: str = "url", base: str = "") -> httpx.URL:
    try:
        url = httpx.URL(urljoin(base, text) if base else text)
        url.raw_host.decode("ascii")
    except (httpx.InvalidURL, UnicodeError, ValueError) as error:
        raise WrongArgument("url", f"{what}: {text[:200]!r} is not an address: {error}.") from None
    if url.scheme not in ("http", "https"):
        raise WrongArgument("url", f"{what}: {text[:200]!r} begins with neither http:// nor https://.")
    if not url.host or any(each in url.host for each in " %<>\\^`{|}"):
        raise WrongArgument("url", f"{what}: {text[:200]!r} names no host.")
    if url.userinfo:
        raise WrongArgument("url", f"{what}: holds a name or password. Send it as the header Authorization.")
    if url.port is not None and not 0 < url.port < 65536:
        raise WrongArgument("url", f"{what}: {text[:200]!r}: no server listens on port {url.port}.")
    return url.copy_with(fragment=None)


def _headers(given: Mapping[str, str]) -> list[tuple[str, str]]:
    """Check headers; raises WrongArgument for one that is the client's to write, or is none."""
    headers: dict[str, str] = {}
    for name, value in given.items():
        lowered = name.lower()
        if not name or not all(each.isascii() and (each.isalnum() or each in "!#$%&'*+-.^_`|~") for each in name):
            raise WrongArgument("headers", f"{name[:60]!r} is not the name of a header.")
        if lowered in REFUSED_HEADERS or lowered.startswith("proxy-"):
            raise WrongArgument("headers", f"{name}: is written by Grove itself. Leave it out.")
        if any((ord(each) < 32 and each != "\t") or ord(each) == 127 for each in value) or not _is_latin(value):
            raise WrongArgument("headers", f"{name}: its value holds characters that a header cannot.")
        headers[lowered] = value.strip()
    return list(headers.items())


def _is_latin(text: str) -> bool:
    try:
        return bool(text.encode("latin-1")) or True
    except UnicodeEncodeError:
        return False


def _sent(headers: list[tuple[str, str]], url: httpx.URL, method: str, body: bytes) -> list[tuple[bytes, bytes]]:
    host = url.raw_host if b":" not in url.raw_host else b"[" + url.raw_host.strip(b"[]") + b"]"
    mine = {"host": (host + (b"" if url.port is None else b":%d" % url.port)).decode(), "connection": "close"}
    if body or method in ("POST", "PUT", "PATCH"):
        mine["content-length"] = str(len(body))
    defaults = {"user-agent": AGENT, "accept": "*/*", "accept-encoding": "gzip"}
    return [(k.encode(), v.encode("latin-1")) for k, v in (defaults | dict(headers) | mine).items()]


def _body(
    response: httpcore.Response,
    headers: list[tuple[str, str]],
    max_bytes: int,
    tells: Callable[[int, int], None] | None,
) -> bytes:
    """Read the body, unpacked where it is gzip, and no more of it than may be."""
    length = next((value for name, value in headers if name == "content-length"), "")
    announced = int(length) if length.isascii() and length.isdigit() and len(length) < 16 else 0
    if announced > max_bytes:
        raise _too_large(max_bytes)
    packed = next((value for name, value in headers if name == "content-encoding"), "").strip().lower() == "gzip"
    parts: list[bytes] = []
    size = came = 0
    pieces = _counted(response.iter_stream())
    for came, piece in _unpacked(pieces, max_bytes) if packed else pieces:
        parts.append(piece)
        size += len(piece)
        if size > max_bytes:
            raise _too_large(max_bytes)
        if tells is not None:
            tells(came, announced)
    if packed:
        headers[:] = [each for each in headers if each[0] not in ("content-encoding", "content-length")]
    return b"".join(parts)


def _counted(pieces: Iterator[bytes]) -> Iterator[tuple[int, bytes]]:
    came = 0
    for piece in pieces:
        came += len(piece)
        yield came, piece


def _unpacked(pieces: Iterator[tuple[int, bytes]], max_bytes: int) -> Iterator[tuple[int, bytes]]:
    """Unpack gzip piece by piece: a small file can hold a very large one."""
    unpacker = zlib.decompressobj(wbits=31)
    for came, piece in pieces:
        rest = piece
        while rest and not unpacker.eof:
            yield came, unpacker.decompress(rest, min(CHUNK_BYTES, max_bytes + 1))
            rest = unpacker.unconsumed_tail
    yield 0, unpacker.flush()
    if not unpacker.eof:
        raise zlib.error("it ends too early")


def _too_large(max_bytes: int) -> TooLarge:
    return TooLarge(
        f"the answer has more than {max_bytes:,} bytes, the most that was asked for.", limit_bytes=max_bytes
    )
