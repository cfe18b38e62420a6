"""Problems: every refusal that a person or a program can meet, the same on every surface.

HTTP answers with RFC 9457 problem details, JSON-RPC puts the same members into `error.data`, the terminal prints
`detail`. This module lives in the lowest layer so that every room can raise them.
"""

from typing import Any, ClassVar


class Problem(Exception):  # noqa: N818 -- RFC 9457 calls them problems, and so do the pages
    """A refusal with its reason and the way out.

    detail: for people: what was wrong with the value, the limit or state that it met, the way out.
    field: the argument that was wrong, where one was.
    retry_after_s: seconds after which the same call may succeed, where that is known.
    extra: further members for programs (RFC 9457 extension members), JSON values only.
    """

    type: ClassVar[str] = "problem"
    title: ClassVar[str] = "The call could not be carried out"
    status: ClassVar[int] = 400

    def __init__(
        self, detail: str = "", *, field: str | None = None, retry_after_s: float | None = None, **extra: Any
    ) -> None:
        self.detail = detail or self.title
        self.field = field
        self.retry_after_s = retry_after_s
        self.extra = extra
        super().__init__(self.detail)

    def members(self) -> dict[str, Any]:
        """Give the RFC 9457 members as a JSON object."""
        members: dict[str, Any] = {
            "type": self.type,
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
        }
        if self.field is not None:
            members["field"] = self.field
        if self.retry_after_s is not None:
            members["retry_after"] = self.retry_after_s
        return members | self.extra


class BadRequest(Problem):
    type, title, status = "bad-request", "The request cannot be read", 400


class NotSignedIn(Problem):
    type, title, status = "not-signed-in", "Sign in or send a token", 401


class NotAllowed(Problem):
    type, title, status = "not-allowed", "Not yours to do", 403


class NoSuch(Problem):
    """Absent, or hidden from this caller: the answer is the same."""

    type, title, status = "no-such", "There is no such thing", 404


class Moved(Problem):
    """The object went elsewhere; `extra["to"]` is its path now."""

    type, title, status = "moved", "The object has moved", 308


class Conflict(Problem):
    type, title, status = "conflict", "The state does not allow it", 409


class NeedsConfirmation(Problem):
    """A dangerous command asks first; `detail` spells the effect out."""

    type, title, status = "needs-confirmation", "Confirm to go on", 409


class TooLarge(Problem):
    type, title, status = "too-large", "Too large", 413


class WrongArgument(Problem):
    """An argument is wrong: WrongArgument("tokens", "30 never fit: the bucket holds 20. Take fewer.").

    others: further wrong fields, `{name: message}`, so that a form shows each message beside its field.
    """

    type, title, status = "wrong-argument", "An argument is wrong", 422

    def __init__(self, field: str, detail: str, others: dict[str, str] | None = None, **extra: Any) -> None:
        fields = {field: detail} | (others or {})
        super().__init__(detail, field=field, fields=fields, **extra)


class OverLimit(Problem):
    type, title, status = "over-limit", "Over a limit", 429


class Overloaded(Problem):
    type, title, status = "overloaded", "Too much is waiting", 503


class OutOfTime(Problem):
    type, title, status = "out-of-time", "Out of time", 504


class Fault(Problem):
    """Grove's own mistake: nothing that a user can type leads here. The log has the whole story."""

    type, title, status = "fault", "Grove made a mistake", 500
