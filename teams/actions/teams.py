"""Making, renaming and deleting teams."""

import re
import secrets
from datetime import datetime, timedelta

from django.conf import settings
from django.db import IntegrityError
from django.utils import timezone

from teams import switches
from teams.access import Role
from teams.actions.change import change, clean_name
from teams.actions.members import add_member
from teams.models import SLUG, Membership, Person, Team
from teams.problems import Conflict, NoSuch, NotAllowed, OverLimit, WrongArgument
from teams.schemas import create_schema, drop_schema, inside
from teams.signals import demo_seeding, team_created, team_deleting


def create_team(*, name: str, slug: str, owner: Person) -> Team:
    """Make a team with its schema, its root object and its owner: all of it, or nothing. Takes about 0.05 s."""
    name = clean_name(name)
    if not re.fullmatch(SLUG, slug):
        raise WrongArgument(
            "slug", f"'{slug}' cannot be in an address: write 1–50 of a–z, 0–9 and -, none at the ends."
        )
    if not (owner.is_staff or switches.is_on("teams")):
        raise NotAllowed("The operators of this Grove have switched off the making of teams. Ask them for one.")
    if owner.memberships.filter(role=Role.OWNER).count() >= settings.GROVE.PERSON_TEAMS:
        raise OverLimit(f"{owner} owns {settings.GROVE.PERSON_TEAMS} teams (limit PERSON_TEAMS). Delete one first.")
    if Team.objects.filter(slug=slug).exists():
        raise _taken(slug)
    # The random part keeps a new team apart from a deleted or renamed one of the same slug.
    schema_name = f"team_{slug.replace('-', '_')[:40]}_{secrets.token_hex(4)}"
    try:
        with change(what="create_team", by=owner) as details, inside("public"):
            team = Team.objects.create(name=name, slug=slug, schema_name=schema_name)
            Membership.objects.create(team=team, person=owner, role=Role.OWNER)
            create_schema(schema_name)
            with inside(schema_name):
                team_created.send(sender=Team, team=team)
            details |= {"team": team, "name": name}
    except IntegrityError as error:
        if Team.objects.filter(slug=slug).exists():  # somebody else was first, after the look above
            raise _taken(slug) from error
        raise
    return team


def seed_demo() -> Team:
    """Find or make the demo team of DEMO_OWNER, who has no password: `/enter/<key>/` is the way in."""
    owner = Person.objects.filter(email=settings.DEMO_OWNER).first()
    if owner is None:
        owner = Person.objects.create_user(settings.DEMO_OWNER, name="Ann")
    team = Team.objects.filter(slug="demo").first()
    if team is None:
        team = create_team(name="Demo", slug="demo", owner=owner)
    elif not team.memberships.filter(person=owner).exists():  # DEMO_OWNER was changed since
        add_member(team=team, by=None, person=owner, role=Role.OWNER)
    demo_seeding.send(sender=Team, team=team, owner=owner)
    return team


def rename_team(*, team: Team, by: Person | None, name: str | None = None, slug: str | None = None) -> Team:
    """Give a team another name, or another slug: its addresses change, its schema and tokens do not. Owners only."""
    with change(team, by, "rename_team", needs=Role.OWNER) as details:
        if name is not None:
            team.name = clean_name(name)
        if slug is not None and slug != team.slug:
            if not re.fullmatch(SLUG, slug):
                raise WrongArgument("slug", f"'{slug}' cannot be in an address: write 1–50 of a–z, 0–9 and -.")
            if Team.objects.filter(slug=slug).exists():
                raise _taken(slug)
            details["old_slug"], team.slug = team.slug, slug
        team.save(update_fields=["name", "slug"])
        details["name"] = team.name
    return team


def trash_team(*, team: Team, by: Person | None) -> Team:
    """Delete a team: it is there for nobody, and can come back for TEAM_TRASH_KEEP_S. Owners only."""
    with change(team, by, "trash_team", needs=Role.OWNER) as details:
        details["name"], team.deleted_at = team.name, timezone.now()
        team.save(update_fields=["deleted_at"])
        team.invitations.filter(ended_at=None).update(ended_at=team.deleted_at)
        team.visits.filter(ends_at__gt=team.deleted_at).update(ends_at=team.deleted_at)
    return team


def restore_team(*, team: Team, by: Person | None) -> Team:
    """Have a deleted team back as it was, but for its invitations. Owners only."""
    with change(team, by, "restore_team", needs=Role.OWNER, in_trash=True) as details:
        details["name"], team.deleted_at = team.name, None
        team.save(update_fields=["deleted_at"])
    return team


def gone_at(team: Team) -> datetime:
    """When a deleted team is gone for good."""
    if team.deleted_at is None:
        raise NoSuch(f"{team} is not deleted.")
    return team.deleted_at + timedelta(seconds=settings.GROVE.TEAM_TRASH_KEEP_S)


def delete_team(*, team: Team, by: Person | None) -> None:
    """Delete a team with all of its objects, for good, from the trash or at once; audit lines stay. Owners only."""
    is_in_trash = team.deleted_at is not None
    with change(team, by, "delete_team", needs=Role.OWNER, in_trash=is_in_trash) as details, inside("public"):
        details["name"], details["team"] = team.name, None
        details["schema"] = team.schema_name
        team_deleting.send(sender=Team, team=team)
        drop_schema(team.schema_name)
        team.delete()


def _taken(slug: str) -> Conflict:
    return Conflict(f"The slug '{slug}' is taken. Choose another.", field="slug")
