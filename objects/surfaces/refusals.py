"""Refusals that only a surface can meet, and how problems leave over HTTP."""

from collections.abc import Iterable
from math import ceil
from typing import Any

from objects.surfaces import json
from teams.problems import Problem

Header = tuple[bytes, bytes]

NO_STORE: list[Header] = [(b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff")]


class WrongMethod(Problem):
    """HTTP: the address is right, the method is not; `allow` says which are."""

    type, title, status = "wrong-method", "Not with this method", 405

    def __init__(self, detail: str, allow: Iterable[str]) -> None:
        super().__init__(detail)
        self.allow = ", ".join(allow)


class WrongContentType(Problem):
    type, title, status = "wrong-content-type", "Not this kind of body", 415


def answer_of(problem: Problem, **extra: Any) -> tuple[int, list[Header], bytes]:
    """Give status, headers and body (RFC 9457) that say what the problem is."""
    headers = [(b"content-type", b"application/problem+json"), *NO_STORE]
    if problem.retry_after_s is not None:
        headers.append((b"retry-after", str(max(1, ceil(problem.retry_after_s))).encode()))
    if problem.status == 401:
        headers.append((b"www-authenticate", b'Bearer realm="grove"'))
    if isinstance(problem, WrongMethod):
        headers.append((b"allow", problem.allow.encode()))
    return problem.status, headers, json.written(problem.members() | extra)
