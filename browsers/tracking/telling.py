"""What came of a look at a tracked page, inside the object: written down, and told to who wants to know."""

from typing import Any, Final

from browsers.macros.language import FACILITY
from browsers.tracking.looking import Look
from browsers.tracking.store import FOLDER, Change, Pages, Tracked
from objects.facilities.schedules.alerts import Alert, Alerts, Whom
from objects.sdk import Content
from objects.timing import mails

TOLD_CHARS: Final = 4_000
FOREIGN: Final = "nobody is told: who is to be came with a copy or a file from elsewhere. `browser alert` sets it anew."


def settle(context: Any, look: Look) -> list[mails.Mail]:
    """Write down what a page is now, and give the letters to be sent once that holds.

    The page may have been changed or removed meanwhile.
    """
    letters: list[mails.Mail] = []
    pages = Pages(context.db)
    page = next((each for each in pages.all() if each.name == look.page.name), None)
    if page is None or page.about != look.page.about:
        return letters
    page.looked_at, page.problem = context.now, look.problem
    if look.seen:
        before, page.seen = page.seen, look.seen
        if look.picture and look.changed is not False:  # what differs by less than the threshold adds up
            _put(context, look.seen, look.picture)
        if look.changed:
            page.changed_at = context.now
            number = _changed(context, pages, look, before or "")
            if page.told.is_somebody and page.is_signed(context.identity):
                letters = _told(context, page, look.diff[:TOLD_CHARS], number)
    pages.put(page, context.limits.BROWSER_MACROS + 1)
    return letters


def _changed(context: Any, pages: Pages, look: Look, before: str) -> int:
    name, at = look.page.name, context.now
    file = ""
    after, share = look.seen, None
    if look.difference is not None:
        file = f"{FOLDER}/{name.replace('/', '_')}-{int(at)}.png"
        share = round(look.difference.share, 6)
        _put(context, file, look.difference.png)
        before = after = ""
    number = pages.note(Change(name, at, before, after, look.diff, share, file), context.limits.BROWSER_PLAYS)
    told = {"tracked": name, "change": number, "url": look.page.about.url, "diff": look.diff[:TOLD_CHARS], "file": file}
    context.emit(FACILITY, told)
    return number


def _put(context: Any, name: str, content: bytes) -> None:
    """Keep a picture; where there is no room for it, the journal says so."""
    given = {"name": name, "content": Content(content, name=name)}
    context.attempt(context.path, "files.put", given, caller_id=context.caller.id, via="browser compare")


def _told(context: Any, page: Tracked, diff: str, number: int) -> list[mails.Mail]:
    told, name = page.told, page.name
    sentence = f"The page {name} of {context.path} changed: {page.about.url}"
    body = {
        "object": context.path, "page": name, "change": number, "occasion": "changed", "url": page.about.url,
        "diff": diff,
    }  # fmt: skip
    lines = [
        sentence,
        "",
        diff,
        "",
        f"`browser changes {name}` there tells more; `browser alert {name} --off` ends this.",
    ]
    alerts = Alerts(context)
    key = (f"page {name}", str(number), "changed")
    subject = f"{context.path}: {name} changed"
    alerts.deliver(
        Whom(told.to, told.command, told.mail, told.hook, told.caller),
        Alert(f"page {name}", f"browser compare {name}", key, body, sentence, subject, "\n".join(lines)),
    )
    return alerts.letters
