"""Alerts by e-mail, to members of the team alone: a schedule is no way to write to strangers."""

from typing import Any, NamedTuple

from celery import shared_task
from django.core.mail import send_mail

from teams.models import Membership

MEMBER = """
SELECT FROM public.teams_person p JOIN public.teams_membership m ON m.person_id = p.id
JOIN public.teams_team t ON t.id = m.team_id WHERE t.schema_name = %s AND p.email = %s AND p.is_active
"""


class Mail(NamedTuple):
    """A letter that is to be sent."""

    address: str
    subject: str
    text: str


SAYS = {"failed": "failed", "late": "was late", "slow": "was slow", "recovered": "is well again"}


def sentence(alert: dict[str, Any]) -> str:
    """Say an alert in one sentence."""
    return f"The schedule {alert['schedule']} of {alert['object']} {SAYS[alert['occasion']]}, at {alert['at']}."


def letter(address: str, alert: dict[str, Any]) -> Mail:
    """Write an alert."""
    lines = [sentence(alert)]
    if alert["problem"]:
        lines.append(f"\n{alert['problem']}")
    lines.append(f"\nIt began {alert['late_s']:g} s late and took {alert['took_s']:g} s.")
    lines.append(
        f"`cron history {alert['schedule']}` there tells more; `cron alert {alert['schedule']} --off` ends this."
    )
    return Mail(address, f"{alert['object']}: {alert['schedule']} {SAYS[alert['occasion']]}", "\n".join(lines))


def is_member(pg: Any, address: str) -> bool:
    """Whether somebody of the team has this address. pg: as commands have it."""
    return pg.connection.execute(MEMBER, (pg.schema, address.strip().lower())).fetchone() is not None


def post(schema: str, letters: list[Mail]) -> None:
    """Have letters sent by a worker."""
    for each in letters:
        send.delay(schema, *each)


@shared_task(autoretry_for=(OSError,), retry_backoff=10, max_retries=8)  # type: ignore[untyped-decorator]
def send(schema: str, address: str, subject: str, text: str) -> None:
    """Send a letter, if whom it is for still is a member."""
    members = Membership.objects.filter(team__schema_name=schema, person__is_active=True)
    if members.filter(person__email=address.strip().lower()).exists():
        send_mail(subject, text, None, [address])
