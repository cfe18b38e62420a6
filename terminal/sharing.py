"""Shared sessions: a link lets people of the team look on, or type along.

A link is hard to guess, lives as long as its session at most, and opens nothing to whoever is not of the team or may
not see the object where the session is now. Those who type along act with the rights of the session's person: a link
to type is a matter of trust, and all who come are named in the terminal.
"""

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from teams.access import Caller
from teams.problems import NoSuch

if TYPE_CHECKING:
    from terminal.session import Session


@dataclass(frozen=True, slots=True, eq=False)
class Share:
    """A link to a session."""

    id: str
    session: "Session"
    may_type: bool


_shares: dict[str, Share] = {}


def share(session: "Session", *, may_type: bool) -> Share:
    """Make a link to a session; an earlier one of the same sort is given again."""
    for known in _shares.values():
        if known.session is session and known.may_type == may_type:
            return known
    made = Share(secrets.token_urlsafe(18), session, may_type)
    _shares[made.id] = made
    if len([each for each in _shares.values() if each.session is session]) == 1:
        session.on_end.append(lambda: _forget(session))
    for call in session.on_share:
        call(made)
    return made


def unshare(session: "Session") -> int:
    """End all links to a session, and let everybody go who came by one; gives how many people that were."""
    _forget(session)
    guests = [each for each in session.readers if not each.owns]
    for guest in guests:
        guest.leave()
        guest.reader.close("This session is not shared any more.", NoSuch("This session is not shared any more."))
    return len(guests)


def is_of_this_process(share_id: str) -> bool:
    """Whether a link leads to a session here."""
    return share_id in _shares


def find(share_id: str, caller: Caller) -> Share:
    """Find what a link leads to. Raises NoSuch, also for one who may not see where the session is."""
    found = _shares.get(share_id)
    if found is None or found.session.world.caller.schema != caller.schema or not caller.sees(found.session.shell.path):
        raise NoSuch("This link leads nowhere: the session ended, or is not shared any more. Ask for a new link.")
    return found


def _forget(session: "Session") -> None:
    for known in [each for each in _shares.values() if each.session is session]:
        del _shares[known.id]
