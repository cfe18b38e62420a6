"""E-mail that this room writes itself; django-allauth writes its own."""

import logging
from smtplib import SMTPException

from django.core.mail import send_mail
from django.template.loader import render_to_string

from teams.models import Invitation

log = logging.getLogger(__name__)


def send_invitation(invitation: Invitation, link: str) -> None:
    """Send the link. Where the mail server refuses, the log says so and the invitation can be sent again."""
    words = {"invitation": invitation, "team": invitation.team, "by": invitation.invited_by, "link": link}
    try:
        send_mail(
            subject=" ".join(render_to_string("teams/mail/invitation_subject.txt", words).split()),
            message=render_to_string("teams/mail/invitation.txt", words),
            from_email=None,
            recipient_list=[invitation.email],
        )
    except (SMTPException, OSError) as error:
        log.error("invitation not sent: %s", type(error).__name__)  # noqa: TRY400 -- a server's refusal, no mistake of ours
