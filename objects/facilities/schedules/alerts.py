"""Who is told of what happens by itself, and how: a message to an object, a letter to a member, a signed request.

A schedule tells by `Alerts.tell` how its runs go; whatever else has something to tell uses `deliver`.
"""

import base64
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from objects.facilities.queue import Queue
from objects.facilities.schedules.shapes import iso
from objects.sdk import Context, OverLimit
from objects.timing import mails
from objects.timing.plans import Plan
from teams.seals import seal


@dataclass(frozen=True, slots=True)
class Whom:
    """Who is told: an object (and by which command), a member by mail, a webhook. caller: with whose rights."""

    to: str
    command: str
    mail: str
    hook: str
    caller: str


@dataclass(frozen=True, slots=True)
class Alert:
    """What is told. about: what tells it, whose secret signs it. via: for the journal. key: it has this for itself."""

    about: str
    via: str
    key: tuple[str, str, str]
    body: dict[str, Any]
    sentence: str
    subject: str
    text: str


class Alerts:
    """Tells what is worth it, within one call. letters: mails that are to be sent after it."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.letters: list[mails.Mail] = []

    def tell(
        self,
        plan: Plan,
        run: int,
        occasions: dict[str, bool],
        problem: str | None,
        *,
        late_s: float = 0.0,
        took_s: float = 0.0,
    ) -> None:
        """Send an alert for each occasion that came and is asked for. run: its number in the history."""
        rules = plan.said
        for occasion in rules.alert_on:
            if not occasions.get(occasion):
                continue
            alert = {
                "object": self.context.path,
                "schedule": plan.name,
                "run": run,
                "occasion": occasion,
                "at": iso(self.context.now),
                "problem": problem,
                "late_s": round(late_s, 3),
                "took_s": round(took_s, 6),
            }
            whom = Whom(rules.alert_to, rules.alert_command, rules.alert_mail, rules.alert_hook, plan.caller)
            mail = mails.letter("", alert)
            key = (plan.name, str(run), occasion)
            self.deliver(whom, Alert(plan.name, f"cron {plan.name}", key, alert, mails.sentence(alert), *mail[1:]))

    def deliver(self, whom: Whom, alert: Alert) -> None:
        """Tell somebody something, in each of the ways that they asked for."""
        if whom.to:
            self._send(whom, alert.body)
        if whom.mail:
            self.letters.append(mails.Mail(whom.mail, alert.subject, alert.text))
        if whom.hook:
            self._call(whom, alert)

    def _send(self, whom: Whom, body: dict[str, Any]) -> None:
        done, given = ("queue.push", {"body": body})
        if whom.command:
            done, given = whom.command, {"alert": body}
        queue: Any = self.context.facility("queue")
        assert isinstance(queue, Queue)
        with suppress(OverLimit):  # the history has it
            queue.post(whom.to, done, given, caller=whom.caller)

    def _call(self, whom: Whom, alert: Alert) -> None:
        """Start the task that tells a webhook; where it can't be, the journal says so."""
        number = seal("alert", self.context.identity, *alert.key)[:32]
        given = {
            "url": whom.hook,
            "body": {"text": alert.sentence, **alert.body},
            "id": f"msg_{number}",
            "secret": secret(self.context.identity, alert.about),
        }
        self.context.attempt(self.context.path, "http.hook", given, caller_id=whom.caller, via=alert.via[:200])


def secret(identity: str, name: str) -> str:
    """Give the secret with which whoever tells a webhook signs that: its own, and lying in no file."""
    return "whsec_" + base64.b64encode(bytes.fromhex(seal("webhook", identity, name))).decode()
