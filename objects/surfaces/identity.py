"""Who sends a request or opens a socket: a bearer token, or the session cookie of a signed-in person.

A token never comes in a URL, which ends up in logs. A cookie is sent by browsers on their own, also when a stranger's
page makes them: so a cookie counts only with Django's CSRF token (requests) or with our own origin (sockets).
"""

import asyncio
import threading
import time
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.sessions.middleware import SessionMiddleware
from django.core.exceptions import DisallowedHost
from django.core.handlers.asgi import ASGIRequest
from django.db import close_old_connections
from django.http import HttpResponse
from django.http.cookie import parse_cookie
from django.middleware.csrf import CsrfViewMiddleware

from teams import callers
from teams.access import Caller
from teams.problems import NotAllowed, NotSignedIn, OutOfTime

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
SUBPROTOCOL = "grove"
BEARER_SUBPROTOCOL = "bearer."
FIND_S = 10.0  # to find who asks; longer only takes a Postgres that neither answers nor ends

Scope = dict[str, Any]
Headers = dict[bytes, bytes]

# Finding a caller blocks for a query. Few threads: they share one connection anyway.
_threads = ThreadPoolExecutor(max_workers=4, thread_name_prefix="identity")


class SignedIn:
    """Sessions that were found to be open within the last CALLER_KEEP_S; the oldest go first when there are many.

    A person may have several: what is kept of the person must not keep a session alive that was signed out.
    """

    def __init__(self) -> None:
        self._until: OrderedDict[tuple[str, int], float] = OrderedDict()
        self._lock = threading.Lock()

    def is_fresh(self, session: str, person_id: int) -> bool:
        return self._until.get((session, person_id), 0.0) > time.monotonic()

    def keep(self, session: str, person_id: int) -> None:
        with self._lock:
            self._until[session, person_id] = time.monotonic() + settings.GROVE.CALLER_KEEP_S
            self._until.move_to_end((session, person_id))
            while len(self._until) > settings.GROVE.CALLERS_KEPT:
                self._until.popitem(last=False)


_signed_in = SignedIn()


@dataclass(frozen=True, slots=True)
class Bearer:
    """Whoever holds a token."""

    team: str
    secret: str

    def known(self) -> Caller | None:
        """The caller, if found within the last second. Never blocks."""
        caller = callers.known(self.team, secret=self.secret)
        return caller if caller is not None and caller.schema else None

    def find(self) -> Caller:
        """The caller; blocks. Raises NotSignedIn or NoSuch."""
        return callers.for_token(self.team, self.secret)

    async def caller(self) -> Caller:
        """The caller; the event loop goes on meanwhile. Raises NotSignedIn or NoSuch."""
        return self.known() or await found(self.find)


@dataclass(frozen=True, slots=True)
class Cookie:
    """Whoever is signed in with a session."""

    team: str
    session: str
    person_id: int

    def known(self) -> Caller | None:
        """The caller, if both the session and the person were found within the last second. Never blocks."""
        if not _signed_in.is_fresh(self.session, self.person_id):
            return None
        return callers.known(self.team, person_id=self.person_id)

    def find(self) -> Caller:
        """The caller; blocks. Raises NotSignedIn when the session ended, NoSuch for a stranger to the team."""
        request = ASGIRequest(
            {"type": "http", "method": "GET", "path": "/", "headers": [], "query_string": b""}, BytesIO()
        )
        request.COOKIES = {settings.SESSION_COOKIE_NAME: self.session}
        if _person_id(request) != self.person_id:
            raise _nobody()
        _signed_in.keep(self.session, self.person_id)
        return callers.for_person(self.person_id, self.team)

    async def caller(self) -> Caller:
        """The caller; the event loop goes on meanwhile. Raises NotSignedIn or NoSuch."""
        return self.known() or await found(self.find)


Identity = Bearer | Cookie


async def in_thread(work: Any, *arguments: Any) -> Any:
    """Run what blocks beside the event loop."""
    return await asyncio.get_running_loop().run_in_executor(_threads, work, *arguments)


async def found(find: Any, *arguments: Any) -> Any:
    """Find out by a query, beside the event loop. Raises OutOfTime where the database neither answers nor ends."""
    try:
        return await asyncio.wait_for(in_thread(find, *arguments), FIND_S)
    except TimeoutError:
        raise OutOfTime(f"The database did not answer in {FIND_S:g} s. Try again later.", retry_after_s=5) from None


async def of_request(scope: Scope, headers: Headers, team: str) -> Identity:
    """Say who sends a request. Raises NotSignedIn, or NotAllowed where a cookie comes without its CSRF token."""
    authorization = headers.get(b"authorization")
    if authorization is not None:
        return Bearer(team, _bearer(authorization))
    session = _session(headers)
    if session is None:
        raise _nobody()
    person_id = await found(_person_of_request, scope)
    _signed_in.keep(session, person_id)
    return Cookie(team, session, person_id)


async def of_socket(scope: Scope, headers: Headers, team: str) -> Identity:
    """Say who opens a socket. Raises NotSignedIn, or NotAllowed where a cookie comes from a stranger's page."""
    authorization = headers.get(b"authorization")
    if authorization is not None:
        return Bearer(team, _bearer(authorization))
    for protocol in scope.get("subprotocols", ()):
        if protocol.startswith(BEARER_SUBPROTOCOL):
            return Bearer(team, protocol.removeprefix(BEARER_SUBPROTOCOL))
    session = _session(headers)
    if session is None:
        raise _nobody()
    scheme = {"ws": "http", "wss": "https"}.get(scope.get("scheme", "ws"), scope.get("scheme"))
    scope = dict(scope, type="http", method="GET", scheme=scheme)
    person_id = await found(_person_of_socket, scope, headers.get(b"origin", b"").decode("latin-1"))
    return Cookie(team, session, person_id)


def _bearer(authorization: bytes) -> str:
    scheme, _, secret = authorization.partition(b" ")
    if scheme.lower() != b"bearer" or not secret:
        raise NotSignedIn("The Authorization header is not of the form 'Bearer <token>'. Send a token of this team so.")
    return secret.strip().decode("latin-1")


def _session(headers: Headers) -> str | None:
    cookie = headers.get(b"cookie")
    if cookie is None:
        return None
    session = parse_cookie(cookie.decode("latin-1")).get(settings.SESSION_COOKIE_NAME, "")
    # Django makes keys of letters and digits; Postgres would stumble over others, such as a NUL.
    return session if session.isascii() and session.isalnum() else None


def _nobody() -> NotSignedIn:
    return NotSignedIn("Nobody is signed in here. Send 'Authorization: Bearer <token>', or sign in.")


def _person_of_request(scope: Scope) -> int:
    # Without what tells of the body: Django would read it as a form, in search of a token, and stumble.
    headers = [header for header in scope["headers"] if header[0] not in (b"content-type", b"content-length")]
    request = ASGIRequest(scope | {"headers": headers}, BytesIO())
    person_id = _person_id(request)
    check = CsrfViewMiddleware(_nothing)
    check.process_request(request)
    if request.method not in SAFE_METHODS and check.process_view(request, _nothing, (), {}) is not None:
        raise NotAllowed(
            "The call comes with a cookie, but without the CSRF token of a page of this site. "
            "Send it as X-CSRFToken, or call with 'Authorization: Bearer <token>'."
        )
    return person_id


def _person_of_socket(scope: Scope, origin: str) -> int:
    request = ASGIRequest(scope, BytesIO())
    if not _is_own(request, origin):
        raise NotAllowed(
            f"The socket comes with a cookie from a page of {origin or 'no origin'}, which is not this site. "
            "Open it with a token."
        )
    return _person_id(request)


def _is_own(request: ASGIRequest, origin: str) -> bool:
    if origin in settings.CSRF_TRUSTED_ORIGINS:
        return True
    try:
        asked, host = urlsplit(origin), request.get_host()
    except (ValueError, DisallowedHost):
        return False
    return asked.netloc == host and (asked.scheme == "https" or not request.is_secure())


def _person_id(request: ASGIRequest) -> int:
    close_old_connections()
    try:
        SessionMiddleware(_nothing).process_request(request)
        person = get_user(request)
    finally:
        close_old_connections()
    if not person.is_authenticated or person.pk is None:
        raise _nobody()
    return int(person.pk)


def _nothing(_request: Any) -> HttpResponse:
    return HttpResponse()
