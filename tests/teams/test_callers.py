"""From a token or a person to a caller: who gets in, for how long, and how fast."""

import os
import threading
import time
from datetime import timedelta

import psycopg
import pytest
from django.db import connection
from django.utils import timezone

from teams import actions, callers
from teams.access import Caller, Role, Scope
from teams.models import Grant, Membership, Person, Token
from teams.problems import NoSuch, NotSignedIn, OverLimit, Overloaded
from tests.fair import fair

CLOSED = "The token opens nothing: it is unknown, expired or revoked. Make a new one and send that."


@pytest.fixture(autouse=True)
def _nothing_kept():
    callers.forget_all()


def refusal(slug: str, secret: str) -> tuple[type, str]:
    with pytest.raises((NotSignedIn, NoSuch)) as refused:
        callers.for_token(slug, secret)
    return type(refused.value), refused.value.detail


def soon(is_so, seconds=2.0) -> bool:
    """Whether something becomes so within the seconds that are promised."""
    end = time.monotonic() + fair(seconds)
    while time.monotonic() < end:
        if is_so():
            return True
        time.sleep(0.02)
    return False


def is_closed(slug: str, secret: str) -> bool:
    try:
        callers.for_token(slug, secret)
    except NotSignedIn:
        return True
    return False


def test_a_person_is_known_with_the_role_and_the_grants_of_the_team(team, member):
    ann = member(team, Role.VIEWER, {"/b": Role.NONE, "/a": Role.EDITOR})

    assert callers.for_person(ann.pk, team.slug) == Caller(
        name=ann.email,
        schema=team.schema_name,
        grants=(("/", Role.VIEWER), ("/a", Role.EDITOR), ("/b", Role.NONE)),
        id=f"p{ann.pk}",
    )


def test_a_token_is_known_with_its_persons_rights_and_its_own_limits(team, member, token):
    ann = member(team, Role.EDITOR)
    made, secret = token(team, ann, paths=["/b/", "/a"], verbs=["reads", "state.set"], ceiling=Role.VIEWER, rate=5)

    assert callers.for_token(team.slug, secret) == Caller(
        name=f"token {made.name} of {ann.email}",
        schema=team.schema_name,
        grants=(("/", Role.EDITOR),),
        scope=Scope(paths=("/a", "/b"), verbs=frozenset({"reads", "state.set"}), ceiling=Role.VIEWER, rate=5.0),
        id=f"t{made.pk}",
    )


def test_an_operator_is_known_as_one_and_their_token_is_not(team, member, token):
    ann = member(team, Role.EDITOR)
    Person.objects.filter(pk=ann.pk).update(is_staff=True)
    _, secret = token(team, ann)

    assert callers.for_person(ann.pk, team.slug).is_operator
    assert callers.again(team.schema_name, f"p{ann.pk}").is_operator
    assert not callers.for_token(team.slug, secret).is_operator


def test_the_secret_of_a_token_is_kept_nowhere(team, token):
    made, secret = token(team)
    own = secret.split("_")[2]

    with connection.cursor() as cursor:
        cursor.execute("select row_to_json(t)::text from teams_token t where id = %s", [made.pk])
        row = cursor.fetchone()[0]
        cursor.execute("select string_agg(details::text, '') from teams_auditline where team_id = %s", [team.pk])
        audit = cursor.fetchone()[0]

    assert (own in row, own in audit, own.encode().hex() in row) == (False, False, False)


def test_a_token_that_is_unknown_wrong_expired_or_revoked_gets_one_and_the_same_answer(team, token):
    good, good_secret = token(team)
    expired, expired_secret = token(team, expires_at=timezone.now() + timedelta(days=1))
    Token.objects.filter(pk=expired.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    revoked, revoked_secret = token(team)
    actions.revoke_token(team=team, by=None, token=revoked)

    opens_nothing = [
        "",
        "grove",
        "grove__",
        "grove_aaaaaaaaaa_" + "0" * 48,
        f"grove_{good.prefix}_" + "0" * 48,
        f"{good_secret}0",
        good_secret.upper(),
        good_secret.replace("grove_", "other_"),
        expired_secret,
        revoked_secret,
        "grove_\x00aaaaaaaaa_x",
        "grove_\ud800aaaaaaaaa_x",
        "grove_aaaaaaaaaa_\x00",
        "\ud800",
    ]

    assert {refusal(team.slug, secret) for secret in opens_nothing} == {(NotSignedIn, CLOSED)}
    assert callers.for_token(team.slug, good_secret).id == f"t{good.pk}"


def test_another_team_does_not_exist_for_a_token_or_a_person(team, new_team, token, person):
    other = new_team()
    _, secret = token(team)

    assert refusal(other.slug, secret) == (NoSuch, f"{other.slug}: no such team.")
    assert refusal("no-such-team", secret) == (NoSuch, "no-such-team: no such team.")
    for slug in (other.slug, "no-such-team"):
        with pytest.raises(NoSuch, match=f"{slug}: no such team."):
            callers.for_person(person().pk, slug)


@pytest.mark.parametrize("slug", ["\x00", "\ud800", "ä", "", "a/b"])
def test_a_team_that_cannot_be_does_not_exist(slug, person, token, team):
    _, secret = token(team)

    assert refusal(slug, secret) == (NoSuch, f"{slug}: no such team.")
    with pytest.raises(NoSuch):
        callers.for_person(person().pk, slug)


def test_a_token_loses_what_its_person_loses(team, member, token):
    ann = member(team, Role.VIEWER, {"/a": Role.EDITOR})
    _, secret = token(team, ann)
    before = callers.for_token(team.slug, secret).role_at("/a")

    actions.take_grant(team=team, by=None, person=ann, path="/a")
    after = callers.for_token(team.slug, secret).role_at("/a")
    actions.remove_member(team=team, by=None, person=ann)

    assert (before, after) == (Role.EDITOR, Role.VIEWER)
    assert refusal(team.slug, secret) == (NotSignedIn, CLOSED)


def test_a_person_who_is_switched_off_is_out_with_all_tokens(team, member, token):
    ann = member(team, Role.EDITOR)
    _, secret = token(team, ann)

    ann.is_active = False
    ann.save()

    assert refusal(team.slug, secret) == (NotSignedIn, CLOSED)
    with pytest.raises(NoSuch):
        callers.for_person(ann.pk, team.slug)


def test_what_another_process_takes_away_is_gone_within_2_s_though_it_is_called_all_the_time(team, member, token):
    ann = member(team, Role.VIEWER, {"/a": Role.EDITOR})
    made, secret = token(team, ann)
    assert callers.for_person(ann.pk, team.slug).role_at("/a") == Role.EDITOR
    assert callers.for_token(team.slug, secret).role_at("/a") == Role.EDITOR

    # Behind this process's back, as another process would: nothing here is told to forget.
    Grant.objects.filter(person=ann).delete()
    assert soon(lambda: callers.for_person(ann.pk, team.slug).role_at("/a") == Role.VIEWER)
    Token.objects.filter(pk=made.pk).update(revoked_at=timezone.now())
    assert soon(lambda: is_closed(team.slug, secret))
    Membership.objects.filter(person=ann).delete()
    assert soon(lambda: callers.known(team.slug, person_id=ann.pk) is None)
    with pytest.raises(NoSuch):
        callers.for_person(ann.pk, team.slug)


def test_a_token_ends_at_the_moment_it_expires_also_when_it_is_known(team, token):
    _, secret = token(team, expires_at=timezone.now() + timedelta(seconds=0.3))
    assert callers.for_token(team.slug, secret).schema == team.schema_name

    time.sleep(0.35)

    assert callers.known(team.slug, secret=secret) is None
    assert refusal(team.slug, secret) == (NotSignedIn, CLOSED)


def test_known_never_asks_and_gives_only_what_was_found(team, token):
    _, secret = token(team)
    before = callers.known(team.slug, secret=secret)

    found = callers.for_token(team.slug, secret)

    assert before is None
    assert callers.known(team.slug, secret=secret) is found
    assert callers.known("other", secret=secret) is None
    assert callers.known(team.slug, person_id=0) is None


def test_many_that_ask_for_the_same_at_once_make_one_query(team, token, monkeypatch):
    _, secret = token(team)
    asked = []
    run = callers._source.run
    monkeypatch.setattr(callers._source, "run", lambda sql, *values: (asked.append(sql), run(sql, *values))[1])
    found = []

    threads = [threading.Thread(target=lambda: found.append(callers.for_token(team.slug, secret))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (asked, len(found), len({id(caller) for caller in found})) == ([callers.TOKEN, callers.USED], 8, 1)


def test_a_lost_connection_is_opened_again(team, token):
    _, secret = token(team)
    callers.for_token(team.slug, secret)
    pid = callers._source.run("select pg_backend_pid()")[0]

    with connection.cursor() as cursor:
        cursor.execute("select pg_terminate_backend(%s)", [pid])
    callers.forget_all()

    assert callers.for_token(team.slug, secret).schema == team.schema_name


def test_while_postgres_is_away_callers_are_told_to_come_back(team, token, monkeypatch):
    _, secret = token(team)
    callers._source.close()
    with monkeypatch.context() as away:
        away.setattr(callers.psycopg, "connect", lambda **_: (_ for _ in ()).throw(psycopg.OperationalError("away")))
        with pytest.raises(Overloaded) as refused:
            callers.for_token(team.slug, secret)

    assert (refused.value.status, refused.value.retry_after_s) == (503, 1.0)
    assert callers.for_token(team.slug, secret).schema == team.schema_name


def test_a_forked_process_opens_a_connection_of_its_own(team, token):
    _, secret = token(team)
    callers.for_token(team.slug, secret)
    ours = callers._source.run("select pg_backend_pid()")[0]
    reading, writing = os.pipe()

    child = os.fork()
    if child == 0:
        try:
            callers.for_token(team.slug, secret)
            os.write(writing, str(callers._source.run("select pg_backend_pid()")[0]).encode())
        finally:
            os._exit(0)
    os.waitpid(child, 0)

    theirs = int(os.read(reading, 20))
    assert theirs != ours
    assert callers._source.run("select pg_backend_pid()")[0] == ours


def test_the_last_use_of_a_token_is_written_at_most_once_a_minute(team, token):
    made, secret = token(team)
    unused = made.last_used_at

    callers.for_token(team.slug, secret)
    first = Token.objects.get(pk=made.pk).last_used_at
    callers.forget_all()
    callers.for_token(team.slug, secret)
    second = Token.objects.get(pk=made.pk).last_used_at
    Token.objects.filter(pk=made.pk).update(last_used_at=timezone.now() - timedelta(seconds=61))
    callers.forget_all()
    callers.for_token(team.slug, secret)
    third = Token.objects.get(pk=made.pk).last_used_at

    assert (unused, second, third > first) == (None, first, True)


def test_a_token_that_opens_nothing_is_no_use(team, token):
    made, secret = token(team)

    refusal(team.slug, f"{secret[:-1]}x")

    assert Token.objects.get(pk=made.pk).last_used_at is None


class Clock:
    """A clock that goes when told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


def test_a_token_over_its_rate_is_told_when_to_come_back(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(callers, "time", clock)
    monkeypatch.setattr(callers, "_buckets", callers.Buckets())
    bot = Caller(name="bot", schema="team_x", grants=(), scope=Scope(rate=2.0), id="t1")

    callers.spend(bot)
    callers.spend(bot)
    with pytest.raises(OverLimit) as refused:
        callers.spend(bot)
    clock.now += refused.value.retry_after_s
    callers.spend(bot)

    assert refused.value.members() == {
        "type": "over-limit",
        "title": "Over a limit",
        "status": 429,
        "detail": "The token may make 2 calls a second, and has. Wait, or make a token with a higher rate.",
        "retry_after": 0.5,
    }


def test_a_rate_below_one_a_second_lets_one_call_through_at_a_time(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(callers, "time", clock)
    monkeypatch.setattr(callers, "_buckets", callers.Buckets())
    bot = Caller(name="bot", schema="team_x", grants=(), scope=Scope(rate=0.1), id="t1")

    callers.spend(bot)
    with pytest.raises(OverLimit) as refused:
        callers.spend(bot)

    assert refused.value.retry_after_s == 10.0


def test_people_and_tokens_without_a_rate_are_not_counted(monkeypatch):
    monkeypatch.setattr(callers, "_buckets", None)

    callers.spend(Caller(name="ann", schema="team_x", grants=(), id="p1"), 10**6)
    callers.spend(Caller(name="bot", schema="team_x", grants=(), scope=Scope(), id="t1"), 10**6)


def test_what_is_kept_is_bounded(settings):
    from dataclasses import replace

    settings.GROVE = replace(settings.GROVE, CALLERS_KEPT=3)
    cache = callers.CallerCache()

    for number in range(5):
        cache.keep(("team", number), Caller.nobody(), 60)

    assert [number for number in range(5) if cache.fresh(("team", number))] == [2, 3, 4]
