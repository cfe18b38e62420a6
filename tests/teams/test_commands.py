"""What the platform's operator types."""

import re
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from teams import callers
from teams.access import Role, Scope
from teams.models import Team


def run(*words: str) -> tuple[str, str]:
    out, errors = StringIO(), StringIO()
    call_command(*words, stdout=out, stderr=errors)
    return out.getvalue(), errors.getvalue()


def test_createteam_makes_the_team_and_its_owner():
    said, _ = run("createteam", "typed", "--name", "Typed Ltd", "--owner", "Typist@Example.com")

    assert said == "Made the team Typed Ltd: /t/typed/, owner typist@example.com\n"
    owner = Team.objects.get(slug="typed").memberships.get(role=Role.OWNER).person
    assert (owner.email, owner.has_usable_password()) == ("typist@example.com", False)


def test_createteam_says_what_was_wrong(team):
    with pytest.raises(CommandError, match=f"The slug '{team.slug}' is taken. Choose another."):
        run("createteam", team.slug, "--owner", "typist2@example.com")


def test_createtoken_prints_the_secret_alone_on_stdout(team, member):
    ann = member(team, Role.EDITOR)

    said, noted = run(
        "createtoken", team.slug, "--person", ann.email, "--path", "/a", "--path", "/b", "--verb", "reads",
        "--ceiling", "viewer", "--expires", "30", "--rate", "5",
    )  # fmt: skip

    assert re.fullmatch(r"grove_[a-z0-9]{10}_[0-9a-f]{48}\n", said)
    assert said.strip() not in noted
    assert callers.for_token(team.slug, said.strip()).scope == Scope(
        paths=("/a", "/b"), verbs=frozenset({"reads"}), ceiling=Role.VIEWER, rate=5.0
    )


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["no-such", "--person", "x@example.com"], "no-such: no such team."),
        (["{team}", "--person", "x@example.com"], "x@example.com: no such person."),
        (["{team}", "--person", "{stranger}"], "{stranger} is not in {team}. Add them first."),
        (
            ["{team}", "--person", "{owner}", "--ceiling", "king"],
            "no role 'king'. Roles: owner, admin, editor, viewer, none.",
        ),
        (["{team}", "--person", "{owner}", "--path", "a"], "'a' is no path: it starts with '/', like '/project/42'."),
    ],
)
def test_createtoken_says_what_was_wrong(team, person, words, text):
    names = {"team": team.slug, "stranger": person().email, "owner": team.owner.email}

    with pytest.raises(CommandError) as refused:
        run("createtoken", *(word.format(**names) for word in words))

    assert str(refused.value) == text.format(**names)


def test_seed_demo_says_where_the_demo_is(settings):
    said, _ = run("seed_demo")

    assert said == "Demo team: /t/demo/\n"
    assert Team.objects.get(slug="demo").memberships.get(person__email=settings.DEMO_OWNER).role == Role.OWNER
