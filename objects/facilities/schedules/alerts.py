"""Who is told of a schedule, and how: a message to an object, a letter to a member, a signed request to a webhook."""

import base64
from contextlib import suppress
from typing import Any

from objects.facilities.queue import Queue
from objects.facilities.schedules.shapes import iso
from objects.sdk import Context, OverLimit
from objects.timing import mails
from objects.timing.plans import Plan
from teams.seals import seal


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
            if rules.alert_to:
                self._send(plan, alert)
            if rules.alert_mail:
                self.letters.append(mails.letter(rules.alert_mail, alert))
            if rules.alert_hook:
                self._call(plan, alert)

    def _send(self, plan: Plan, alert: dict[str, Any]) -> None:
        rules = plan.said
        done, given = ("queue.push", {"body": alert})
        if rules.alert_command:
            done, given = rules.alert_command, {"alert": alert}
        queue: Any = self.context.facility("queue")
        assert isinstance(queue, Queue)
        with suppress(OverLimit):  # the history has it
            queue.post(rules.alert_to, done, given, caller=plan.caller)

    def _call(self, plan: Plan, alert: dict[str, Any]) -> None:
        """Start the task that tells a webhook; where it can't be, the journal says so."""
        number = seal("alert", self.context.identity, plan.name, str(alert["run"]), alert["occasion"])[:32]
        given = {
            "url": plan.said.alert_hook,
            "body": {"text": mails.sentence(alert), **alert},
            "id": f"msg_{number}",
            "secret": secret(self.context.identity, plan.name),
        }
        self.context.attempt(
            self.context.path, "http.hook", given, caller_id=plan.caller, via=f"cron {plan.name}"[:200]
        )


def secret(identity: str, name: str) -> str:
    """Give the secret with which a schedule signs what it tells a webhook: its own, and lying in no file."""
    return "whsec_" + base64.b64encode(bytes.fromhex(seal("webhook", identity, name))).decode()
