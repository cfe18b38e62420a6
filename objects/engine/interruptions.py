"""What ends a batch before its time, so that it is run again in another way or asked after. None of it is a Problem."""


class NeedsLock(BaseException):
    """A call reached an object that is locked elsewhere: it must begin again with that lock too.

    Not an Exception, so that a kind's `except Exception` can't keep it.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        super().__init__(path)


class NeedsThread(BaseException):
    """A call on an event loop wants to wait for Postgres: the batch must run again in a thread."""


class WrongGuess(BaseException):
    """Somebody else changed an object since this process last saw it: the batch must run again with locks first."""


class NotReading(BaseException):
    """A call in a transaction without locks turned out to change its object: the batch must run again with locks."""


class CommitUnknown(Exception):  # noqa: N818 -- a state of affairs, not a fault
    """The connection broke while the commit was under way. `xid` and `line` tell later whether it took place.

    xid: of the transaction; "" where the batch was a guess, and its one statement never told.
    backend_pid: of the connection that broke.
    line: what `took_place` asks the journal for: object, version, Unix seconds. None when it changed no object.
    """

    def __init__(self, xid: str, backend_pid: int, took_place: bytes, line: tuple[int, int, float] | None) -> None:
        self.xid = xid
        self.backend_pid = backend_pid
        self.took_place = took_place
        self.line = line
        super().__init__(xid)
