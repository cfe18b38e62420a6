"""Schedules do what they say at the moment they say, and tell what they did."""

import sqlite3
from dataclasses import replace

import pytest

from objects.commands.registry import registry
from objects.commands.types import Content
from objects.commands.words import parse_line
from objects.timing import mails
from objects.timing.plans import Plans
from teams import callers, clock
from teams.access import Role
from teams.problems import Conflict, NeedsConfirmation, NoSuch, WrongArgument
from tests.timing.conftest import bells, clock_moves, hands, wakes

__all__ = ["bells", "clock_moves", "hands", "wakes"]  # fixtures

HOUR_S = 3_600


@pytest.fixture
def at_the_hour(clock_moves):
    """Go to 10 seconds before a full hour, so that what comes each 5 minutes can be counted."""
    clock_moves(HOUR_S - clock.now() % HOUR_S - 10)
    return clock_moves


def add(grove, path, name, spec, command="ring", **more):
    return grove.outcome(path, "cron.add", {"name": name, "spec": spec, "command": command, **more}, check=True).value


def outcomes(grove, path, name):
    """The outcomes of a schedule's runs, the first one first."""
    runs = grove.outcome(path, "cron.history", {"name": name, "limit": 200}, check=True).value["runs"]
    return [run["outcome"] for run in reversed(runs)]


def of(grove, path, asked, name, **more):
    return grove.outcome(path, asked, {"name": name, **more}, check=True).value


# ---- Setting ----


def test_a_terminal_line_sets_one_with_flags_of_both_commands(grove):
    bell = grove.new("bell")

    line = 'cron add chimes "*/15 * * * *" --zone Europe/Berlin --missed all -- ring --what "four quarters"'
    spec, arguments = parse_line(registry.commands("bell"), line)
    item = grove.outcome(bell, spec.name, arguments, check=True).value

    assert (item["when"], item["command"], item["state"]) == (
        "every 15 minutes (Europe/Berlin)",
        "ring what=four quarters",
        "on",
    )


def test_a_program_names_the_command_and_its_arguments_apart(grove):
    bell = grove.new("bell")

    add(grove, bell, "one", "every 60s", "ring", arguments={"what": {"deep": [1, 2]}})

    assert of(grove, bell, "cron.show", "one")["arguments"] == {"what": {"deep": [1, 2]}}


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"spec": "61 * * * *"}, "spec"),
        ({"spec": "at 2020-01-01T00:00"}, "spec"),
        ({"spec": "@daily", "ends": "2020-01-01T00:00:00Z"}, "spec"),
        ({"zone": "Berlin/Europe"}, "zone"),
        ({"command": "rign"}, "command"),
        ({"command": "ring a b"}, "command"),
        ({"command": "ring x", "arguments": {}}, "command"),
        ({"arguments": {"waht": 1}}, "arguments"),
        ({"command": "tree move elsewhere"}, "command"),
        ({"command": "export"}, "command"),
        ({"tries": 0}, "tries"),
        ({"name": ""}, "name"),
    ],
)
def test_what_cannot_be_is_refused_with_the_field_and_nothing_is_set(grove, given, field):
    bell = grove.new("bell")

    with pytest.raises(WrongArgument) as refused:
        grove.outcome(bell, "cron.add", {"name": "x", "spec": "@daily", "command": "ring"} | given, check=True)

    assert refused.value.field == field
    assert grove.call(bell, "cron.list")["schedules"] == []


def test_a_dangerous_command_has_to_be_meant(grove):
    bell = grove.new("bell")

    with pytest.raises(NeedsConfirmation):
        add(grove, bell, "purge", "@daily", "queue purge")

    assert add(grove, bell, "purge", "@daily", "queue purge", sure=True)["state"] == "on"


def test_a_name_is_taken_once_and_an_absent_one_names_those_that_are(grove):
    bell = grove.new("bell")
    add(grove, bell, "one", "@daily")

    with pytest.raises(Conflict):
        add(grove, bell, "one", "@hourly")
    with pytest.raises(NoSuch, match="There are one"):
        of(grove, bell, "cron.show", "two")


# ---- Firing ----


def test_it_fires_each_time_and_the_history_has_input_result_and_duration(grove, hands, at_the_hour):
    bell = grove.new("bell")
    add(grove, bell, "five", "*/5 * * * *", 'ring "on the five"')

    for _ in range(3):
        at_the_hour(300)
        hands.until_quiet()

    runs = of(grove, bell, "cron.history", "five")["runs"]
    assert [(run["input"], run["result"], run["outcome"], run["cause"]) for run in runs] == [
        ({"what": "on the five"}, number, "ok", "schedule") for number in (3, 2, 1)
    ]
    assert [run["meant"][14:19] for run in runs] == ["10:00", "05:00", "00:00"]
    assert all(0 < run["took"] < 5 for run in runs)


def test_a_schedule_has_no_more_rights_than_who_set_it_has_when_it_runs(
    grove, team, member, caller, hands, at_the_hour
):
    bell = grove.new("bell")
    ann = member(team, Role.VIEWER, {grove.home: Role.EDITOR})
    theirs = grove.acting_as(caller(team, ann))
    add(theirs, bell, "hers", "*/5 * * * *")

    at_the_hour(11)
    hands.until_quiet()
    team.grants.filter(person=ann).delete()
    callers.forget_all()
    at_the_hour(300)
    hands.until_quiet()

    assert outcomes(grove, bell, "hers") == ["ok", "failed"]
    assert grove.call(bell, "strokes") == ["ding"]


@pytest.mark.parametrize(
    ("missed", "more", "rung", "remembered"),
    [
        ("all", {}, 12, ["ok"] * 12),
        ("all", {"lateness": 1_000}, 3, ["missed"] * 9 + ["ok"] * 3),
        ("last", {}, 1, ["missed", "ok"]),
        ("last", {"lateness": 60}, 0, ["missed", "missed"]),
        ("none", {}, 0, ["missed", "missed"]),
        ("none", {"lateness": 300}, 1, ["missed", "ok"]),
    ],
)
def test_after_an_outage_of_an_hour_each_policy_does_what_it_says(
    grove, hands, at_the_hour, missed, more, rung, remembered
):
    bell = grove.new("bell")
    add(grove, bell, "five", "*/5 * * * *", missed=missed, **more)

    at_the_hour(HOUR_S + 10 - 90)  # the last of the twelve was 210 seconds ago
    hands.until_quiet()

    assert len(grove.call(bell, "strokes")) == rung
    assert outcomes(grove, bell, "five") == remembered
    at_the_hour(90)
    hands.until_quiet()
    assert len(grove.call(bell, "strokes")) == rung + 1


def test_an_outage_of_a_month_of_seconds_is_over_at_once(grove, hands, clock_moves):
    bell = grove.new("bell")
    add(grove, bell, "often", "* * * * * *")

    clock_moves(30 * 86_400)
    hands.turn()

    (missed, ok) = reversed(of(grove, bell, "cron.history", "often")["runs"][-2:])
    assert (missed["problem"].split(" runs")[0], ok["outcome"]) == ("1,000 or more", "ok")
    assert abs(clock.now() - grove.call(bell, "moments")[0]) < 60


def test_paused_nothing_fires_and_resumed_nothing_is_made_up_for(grove, hands, at_the_hour):
    bell = grove.new("bell")
    add(grove, bell, "five", "*/5 * * * *", missed="all")
    grove.outcome(bell, "cron.pause", {"names": ["five"]}, check=True)

    at_the_hour(HOUR_S)
    hands.until_quiet()
    grove.outcome(bell, "cron.resume", {"names": ["five"]}, check=True)
    hands.until_quiet()
    before = grove.call(bell, "strokes")
    at_the_hour(300)
    hands.until_quiet()

    assert (before, grove.call(bell, "strokes")) == ([], ["ding"])


def test_it_fires_from_its_start_to_its_end_and_is_over_then(grove, hands, at_the_hour):
    bell = grove.new("bell")
    now = clock.now()
    add(grove, bell, "a while", "*/5 * * * *", missed="all", starts=now + 600, ends=now + 1_300)

    at_the_hour(HOUR_S)
    hands.until_quiet()

    assert len(grove.call(bell, "strokes")) == 3
    assert of(grove, bell, "cron.show", "a while")["state"] == "over"
    assert of(grove, bell, "cron.next", "a while") == []


def test_jitter_delays_by_the_same_each_time_one_asks_and_never_too_long(grove, hands, at_the_hour):
    bell = grove.new("bell")
    add(grove, bell, "apart", "*/5 * * * *", jitter=120)

    first = of(grove, bell, "cron.next", "apart", count=5)
    at_the_hour(10)
    hands.until_quiet()
    early = grove.call(bell, "strokes")
    at_the_hour(120)
    hands.until_quiet()

    offsets = [(int(fire["at"][14:16]) * 60 + float(fire["at"][17:-1])) % 300 for fire in first]
    assert all(0 <= offset <= 120 for offset in offsets)
    assert len({round(offset, 3) for offset in offsets}) == 5
    assert (len(early) <= 1, grove.call(bell, "strokes")) == (True, ["ding"])


def test_it_runs_by_hand_as_of_a_moment_and_dry_without_a_trace(grove, hands):
    bell = grove.new("bell")
    add(grove, bell, "five", "*/5 * * * *")
    due = of(grove, bell, "cron.show", "five")["next"]

    dry = of(grove, bell, "cron.run", "five", dry=True)
    trace = grove.call(bell, "strokes")
    as_of = of(grove, bell, "cron.run", "five", as_of="2020-02-29T12:00:00Z")

    assert (dry["outcome"], dry["result"], dry["kept"], trace) == ("ok", 1, False, [])
    assert (as_of["outcome"], as_of["result"], as_of["kept"]) == ("ok", 1, True)
    assert grove.call(bell, "moments") == [1582977600.0]
    assert of(grove, bell, "cron.show", "five")["next"] == due


def test_the_preview_says_it_in_words_and_moments(grove):
    bell = grove.new("bell")

    preview = grove.call(bell, "cron.preview", spec="30 2 29 3 *", zone="Europe/Berlin", dst="skip", count=1)

    assert preview["words"] == "at 02:30, on day 29 of the month, only in march (Europe/Berlin)"
    assert len(preview["next"]) == 1


def test_the_history_keeps_what_a_run_said_also_of_one_that_failed(grove, hands, at_the_hour):
    bell, other = grove.new("bell"), grove.new("bell")
    add(grove, bell, "fine", "0 * * * *", f"tell_all {other}")
    add(grove, bell, "not fine", "0 * * * *", f"tell_all {other} --fails")

    at_the_hour(11)
    hands.until_quiet()

    said = f"rings what=all times=2\n{other}: rings what=all times=2\n"
    for name, outcome in (("fine", "ok"), ("not fine", "failed")):
        (run,) = of(grove, bell, "cron.history", name)["runs"]
        assert (run["outcome"], run["log"]) == (outcome, said)
    assert (grove.call(bell, "strokes"), grove.call(other, "strokes")) == (["all"], ["all"])


def test_what_a_run_says_is_kept_within_bounds_and_goes_with_the_run(grove, hands, engine_with):
    bell = grove.through(engine_with(CRON_RUNS=2)).new("bell")
    grove = grove.through(engine_with(CRON_RUNS=2))
    add(grove, bell, "talks", "@daily", "tell_all --lines 5000")

    told = [of(grove, bell, "cron.run", "talks") for _ in range(4)]

    runs = of(grove, bell, "cron.history", "talks")["runs"]
    assert len(runs) == 2
    assert all(run["log"].endswith("… 4,801 more\n") and len(run["log"]) < 9_000 for run in runs)
    assert told[0]["log"].startswith("rings what=all times=2\nagain number=0\n")
    kept = []
    count = "SELECT count(*) FROM _run_log"
    work = {"work": lambda context: kept.append(list(context.db.run(count)))}
    grove.acting_as("system").outcome(bell, "count", check=True, **work)
    assert kept == [[(2,)]]


def test_what_code_says_is_told_to_who_listens(grove, monkeypatch):
    bell = grove.new("bell")
    told: list = []
    monkeypatch.setattr(grove.engine, "publish", lambda events: told.extend(each for each in events))

    grove.call(bell, "tell_all")

    assert [each.data for each in told if each.topic == "log"] == [
        {"text": "rings", "fields": {"what": "all", "times": 2}}
    ]


def test_what_was_left_out_for_being_late_is_told_as_late(grove, hands, at_the_hour):
    bell, ear = grove.new("bell"), grove.new("bell")
    add(grove, bell, "strict", "0 * * * *", missed="none")
    grove.outcome(bell, "cron.alert", {"name": "strict", "occasions": ["late"], "to": ear}, check=True)

    at_the_hour(200)
    hands.until_quiet()

    (alert,) = [message["body"] for message in grove.call(ear, "queue.receive", count=10)]
    assert (outcomes(grove, bell, "strict"), alert["occasion"]) == (["missed"], "late")
    assert "missed" in alert["problem"]


# ---- When it goes wrong ----


def test_what_fails_leaves_no_trace_but_its_history_and_tells_when_it_is_well_again(grove, hands, at_the_hour):
    bell, ear = grove.new("bell"), grove.new("bell")
    add(grove, bell, "bad", "*/5 * * * *", "crack")
    grove.outcome(bell, "cron.alert", {"name": "bad", "occasions": ["failed", "recovered"], "to": ear}, check=True)

    for _ in range(3):
        at_the_hour(300)
        hands.until_quiet()
    of(grove, bell, "cron.edit", "bad", command="ring fine")
    at_the_hour(300)
    hands.until_quiet()

    alerts = [message["body"] for message in grove.call(ear, "queue.receive", count=10)]
    assert outcomes(grove, bell, "bad") == ["failed", "failed", "failed", "ok"]
    assert grove.call(bell, "strokes") == ["fine"]
    assert [(alert["occasion"], alert["problem"]) for alert in alerts] == [
        ("failed", "it cracked."),
        ("recovered", None),
    ]


def test_alerts_go_by_mail_to_members_only(grove, team, at_the_hour, mailoutbox):
    bell = grove.new("bell")
    add(grove, bell, "bad", "0 * * * *", "crack")

    with pytest.raises(WrongArgument, match="no member"):
        grove.outcome(bell, "cron.alert", {"name": "bad", "mail": "stranger@example.org"}, check=True)
    grove.outcome(bell, "cron.alert", {"name": "bad", "mail": team.owner.email}, check=True)
    at_the_hour(11)
    (letter,) = grove.acting_as("system").outcome(bell, "cron.due", work=due_now, check=True).value
    mails.send(grove.schema, *letter)
    mails.send(grove.schema, "stranger@example.org", *letter[1:])

    (mail,) = mailoutbox
    assert (mail.to, mail.subject) == ([team.owner.email], f"{bell}: bad failed")
    assert "it cracked." in mail.body


def due_now(context):
    return context.facility("cron").due(20)


def test_what_is_late_and_what_is_slow_is_told(grove, hands, at_the_hour):
    bell, ear = grove.new("bell"), grove.new("bell")
    add(grove, bell, "slow", "0 * * * *", "crack --seconds 0.05")
    grove.outcome(
        bell, "cron.alert", {"name": "slow", "occasions": ["late", "slow"], "to": ear, "slow": 0.01}, check=True
    )

    at_the_hour(200)
    hands.until_quiet()

    occasions = [message["body"]["occasion"] for message in grove.call(ear, "queue.receive", count=10)]
    assert occasions == ["late", "slow"]


def test_what_fails_always_is_tried_again_with_pauses_and_ends_as_a_dead_letter(grove, hands, at_the_hour):
    bell = grove.new("bell")
    add(grove, bell, "bad", "0 * * * *", "crack", tries=3)

    at_the_hour(11)
    hands.until_quiet()
    depths = [grove.call(bell, "queue.depth")]
    for _ in range(3):
        at_the_hour(10)
        hands.until_quiet()
        depths.append(grove.call(bell, "queue.depth"))

    assert [(depth["waiting"], depth["dead"]) for depth in depths] == [(1, 0), (1, 0), (0, 1), (0, 1)]
    (letter,) = grove.call(bell, "queue.peek", dead=True)["messages"]
    assert (letter["what"], letter["attempts"], letter["problem"]) == ("crack", 3, "it cracked.")


def test_what_hangs_is_cut_at_its_limit_and_the_next_has_its_turn(grove, hands, at_the_hour, engine_with):
    bell = grove.new("bell")
    add(grove, bell, "a hang", "0 * * * *", "hang")
    add(grove, bell, "b ring", "0 * * * *", "ring after")

    at_the_hour(11)
    with hands.with_engine(engine_with(CALL_SECONDS=0.5)):
        hands.until_quiet()

    assert (outcomes(grove, bell, "a hang"), outcomes(grove, bell, "b ring")) == (["failed"], ["ok"])
    assert grove.call(bell, "strokes") == ["after"]


def test_a_fault_of_ours_is_a_failed_run(grove, hands, at_the_hour):
    bell = grove.new("bell")
    add(grove, bell, "fault", "0 * * * *", "stumble")

    at_the_hour(11)
    hands.until_quiet()

    assert outcomes(grove, bell, "fault") == ["failed"]
    assert grove.call(bell, "strokes") == []


def test_a_command_may_remove_the_schedule_that_runs_it(grove, hands, at_the_hour):
    bell = grove.new("bell")
    add(grove, bell, "last", "0 * * * *", "cron remove last")

    at_the_hour(11)
    hands.until_quiet()

    assert grove.call(bell, "cron.list")["schedules"] == []


def test_the_agenda_tells_what_is_next_and_what_fails_of_what_one_sees(grove, team, member, caller, hands, at_the_hour):
    soon, later, bad = (grove.new("bell", name) for name in ("soon", "later", "bad"))
    add(grove, later, "x", "at 2100-01-01T00:00")
    add(grove, soon, "x", "0 * * * *")
    grove.call(bad, "crack_later", how="misunderstand")
    at_the_hour(5)
    hands.until_quiet()
    ann = grove.acting_as(caller(team, member(team, Role.VIEWER, {bad: Role.NONE})))

    agenda = grove.call(grove.home, "cron.agenda")
    failing = grove.call(grove.home, "cron.agenda", failing=True)

    assert [(each["path"], each["facility"], each["state"]) for each in agenda] == [
        (soon, "cron", "waiting"),
        (later, "cron", "waiting"),
    ]
    assert [(each["path"], each["state"], each["failing"]) for each in failing] == [(bad, "idle", "1 dead letter")]
    assert ann.call(grove.home, "cron.agenda", failing=True) == []


# ---- Where the object goes ----


def test_a_schedule_survives_move_trash_and_restore_and_is_paused_in_a_copy(grove, hands, at_the_hour):
    bell = grove.new("bell")
    add(grove, bell, "five", "*/5 * * * *", missed="last")
    grove.outcome(bell, "tree.copy", {"to": "twin"}, check=True)
    grove.outcome(bell, "tree.move", {"to": "moved"}, check=True)
    moved, twin = f"{grove.home}/moved", f"{grove.home}/twin"

    at_the_hour(11)
    hands.until_quiet()
    grove.outcome(moved, "tree.delete", confirmed=True, check=True)
    at_the_hour(HOUR_S)
    hands.until_quiet()
    grove.outcome(grove.home, "tree.restore", {"what": moved}, check=True)
    hands.until_quiet()

    assert outcomes(grove, moved, "five") == ["ok", "missed", "ok"]
    (item,) = grove.call(twin, "cron.list")["schedules"]
    assert (item["state"], item["next"], grove.call(twin, "strokes")) == ("copied", None, [])
    grove.outcome(twin, "cron.resume", {"names": ["five"]}, check=True)
    at_the_hour(300)
    hands.until_quiet()
    assert grove.call(twin, "strokes") == ["ding"]


def test_an_object_whose_schedules_were_removed_is_in_no_index(grove, wakes):
    bell = grove.new("bell")
    add(grove, bell, "five", "*/5 * * * *")
    before = wakes(grove, bell)

    grove.outcome(bell, "cron.remove", {"names": ["five"]}, check=True)

    assert (list(before), wakes(grove, bell)) == (["cron"], {})


def test_a_schedule_whose_zone_is_gone_is_told_and_holds_nobody_up(grove, hands, at_the_hour):
    bell = grove.new("bell")
    add(grove, bell, "a bad", "0 * * * *")
    add(grove, bell, "b good", "0 * * * *")

    def spoil(context):
        plans = Plans(context.db, context.identity)
        bad = plans.get("a bad")
        bad.say(replace(bad.said, zone="Nowhere/At_All"))
        plans.sign(bad, bad.caller, bad.by)
        plans.put(bad)

    grove.acting_as("system").outcome(bell, "cron.spoil", work=spoil, check=True)
    at_the_hour(11)
    hands.until_quiet()

    assert grove.call(bell, "strokes") == ["ding"]
    assert outcomes(grove, bell, "b good") == ["ok"]
    bad, _ = grove.call(bell, "cron.list")["schedules"]
    assert (bad["state"], bad["outcome"], "no time zone 'Nowhere/At_All'" in bad["when"]) == ("paused", "failed", True)
    grove.outcome(bell, "cron.remove", {"names": ["a bad"]}, check=True)


# ---- In a file from elsewhere ----


@pytest.mark.parametrize(
    "forged",
    [
        "caller = 'system'",
        "command = 'access.grants'",
        'arguments = \'{"what": "forged"}\'',
        "spec = 'every 1s'",
        "rules = json_set(rules, '$.alert_to', '/')",
        "is_alarm = 1",
        "name = 'forged'",
        "seal = (SELECT seal FROM _schedule WHERE name = 'two')",
    ],
)
def test_a_schedule_that_somebody_else_wrote_stands_still_and_says_why(grove, hands, at_the_hour, forged):
    bell = grove.new("bell")
    add(grove, bell, "one", "*/5 * * * *", "ring one")
    add(grove, bell, "two", "*/5 * * * *", "ring two")
    work = {"work": lambda context: context.db.run(f"UPDATE _schedule SET {forged} WHERE name = 'one'")}
    grove.acting_as("system").outcome(bell, "forge", check=True, **work)

    at_the_hour(11)
    hands.until_quiet()

    assert grove.call(bell, "strokes") == ["two"]
    (name,) = {each["name"] for each in grove.call(bell, "cron.list")["schedules"] if each["state"] == "foreign"}
    (run,) = of(grove, bell, "cron.history", name)["runs"]
    assert (run["outcome"], run["problem"]) == ("failed", of(grove, bell, "cron.show", name)["problem"])
    assert "file from elsewhere" in run["problem"]


def test_a_schedule_of_another_objects_file_with_its_home_forged_stands_still(grove, hands, at_the_hour):
    bell = grove.new("bell")
    add(grove, bell, "five", "*/5 * * * *")
    grove.outcome(bell, "tree.copy", {"to": "twin"}, check=True)
    twin = f"{grove.home}/twin"

    def forge(context):
        context.db.run("UPDATE _schedule SET home = ?", (context.identity,))

    grove.acting_as("system").outcome(twin, "forge", work=forge, check=True)
    add(grove, twin, "wake", "*/5 * * * *", "ring awake")
    at_the_hour(11)
    hands.until_quiet()

    assert (grove.call(bell, "strokes"), grove.call(twin, "strokes")) == (["ding"], ["awake"])
    assert of(grove, twin, "cron.show", "five")["state"] == "foreign"


def test_an_imported_file_that_guesses_of_which_object_it_will_be_runs_nothing(grove, hands, at_the_hour, tmp_path):
    thing = grove.new()
    add(grove, thing, "five", "*/5 * * * *", "state incr forged")
    told = []
    grove.acting_as("system").outcome(thing, "look", work=lambda context: told.append(context.identity), check=True)
    schema, _, number = told[0].partition("/")
    (tmp_path / "made.sqlite").write_bytes(grove.call(thing, "export").read())
    database = sqlite3.connect(tmp_path / "made.sqlite")
    (columns,) = database.execute(
        "SELECT group_concat(name, ', ') FROM pragma_table_info('_schedule') WHERE name NOT IN ('name', 'home')"
    ).fetchone()
    for guess in range(int(number) + 1, int(number) + 20):
        database.execute(
            f"INSERT INTO _schedule (name, home, {columns})"
            f" SELECT ?1, ?1, {columns} FROM _schedule WHERE name = 'five'",
            (f"{schema}/{guess}",),
        )
    database.execute("DELETE FROM _schedule WHERE name = 'five'")
    database.commit()
    database.close()

    content = Content((tmp_path / "made.sqlite").read_bytes())
    grove.call(grove.home, "import", content=content, **{"as": "made"})
    made = f"{grove.home}/made"
    add(grove, made, "wake", "*/5 * * * *", "state incr awake")
    at_the_hour(11)
    hands.until_quiet()

    assert [each["key"] for each in grove.call(made, "state.list")["entries"]] == ["awake"]
    states = sorted(each["state"] for each in grove.call(made, "cron.list")["schedules"])
    assert states == ["copied"] * 18 + ["foreign", "on"]


def test_what_came_with_a_file_is_found_out_by_itself_and_waits_where_one_looks(grove, hands, tmp_path):
    thing = grove.new()
    add(grove, thing, "five", "*/5 * * * *", "state incr forged")
    grove.outcome(thing, "queue.push", {"command": "state incr forged"}, check=True)
    grove.call(thing, "steps.begin", plan=[{"do": "state.incr", "arguments": {"key": "forged"}}])
    told = []
    grove.acting_as("system").outcome(thing, "look", work=lambda context: told.append(context.identity), check=True)
    schema, _, number = told[0].partition("/")
    (tmp_path / "made.sqlite").write_bytes(grove.call(thing, "export").read())
    grove.outcome(thing, "tree.delete", confirmed=True, check=True)
    with sqlite3.connect(tmp_path / "made.sqlite") as database:
        for table in ("_schedule", "_queue", "_durable"):
            database.execute(f"UPDATE {table} SET home = ?", (f"{schema}/{int(number) + 1}",))
        database.execute("UPDATE _schedule SET at = 1, nominal = 1")
    database.close()

    content = Content((tmp_path / "made.sqlite").read_bytes())
    grove.call(grove.home, "import", content=content, **{"as": "made"})
    made = f"{grove.home}/made"
    assert grove.id(made) == int(number) + 1
    hands.until_quiet()

    assert grove.call(made, "state.list")["entries"] == []
    (item,) = grove.call(made, "cron.list")["schedules"]
    (letter,) = grove.call(made, "queue.peek", dead=True)["messages"]
    (run,) = grove.call(made, "steps.list")
    assert (item["state"], "file from elsewhere" in letter["problem"], run["state"]) == ("foreign", True, "failed")
    failing = grove.call(grove.home, "cron.agenda", failing=True)
    assert {(each["facility"], each["failing"]) for each in failing} == {
        ("cron", "five"),
        ("queue", "1 dead letter"),
        ("steps", "plan"),
    }


def test_a_schedule_in_an_honest_file_rests_until_it_is_resumed_and_then_wakes(grove, hands, at_the_hour, tmp_path):
    thing = grove.new()
    add(grove, thing, "five", "*/5 * * * *", "state incr n")
    content = Content(grove.call(thing, "export").read())
    grove.call(grove.home, "import", content=content, **{"as": "made"})
    made = f"{grove.home}/made"

    at_the_hour(11)
    hands.until_quiet()
    (item,) = grove.call(made, "cron.list")["schedules"]
    before = grove.call(made, "state.list")["entries"]
    grove.call(made, "cron.resume", names=["five"])
    at_the_hour(300)
    hands.until_quiet()

    assert (item["state"], before) == ("copied", [])
    assert grove.call(made, "state.get", key="n") == 1


@pytest.mark.parametrize("adopt", ["resume", "edit", "alert"])
def test_who_adopts_a_forged_schedule_lends_their_own_rights_and_no_others(
    grove, hands, at_the_hour, member, caller, team, adopt
):
    bell = grove.new("bell")
    add(grove, bell, "mine", "*/5 * * * *", "ring mine")
    add(grove, bell, "theirs", "*/5 * * * *", "ring theirs")

    def forge(context):
        context.db.run("UPDATE _schedule SET caller = 'system'")
        context.db.run("UPDATE _schedule SET command = 'melt', arguments = '{}' WHERE name = 'theirs'")

    grove.acting_as("system").outcome(bell, "forge", work=forge, check=True)
    person = member(team, Role.EDITOR)
    editor = grove.acting_as(caller(team, person))
    for name in ("mine", "theirs"):
        if adopt == "resume":
            editor.call(bell, "cron.pause", names=[name])  # which lends it nothing
            editor.call(bell, "cron.resume", names=[name])
        elif adopt == "edit":
            editor.call(bell, "cron.edit", name=name, missed="all")
        else:
            editor.call(bell, "cron.alert", name=name, occasions=["late"], to=bell)
    at_the_hour(11)
    hands.until_quiet()

    assert grove.call(bell, "strokes") == ["mine"]
    assert of(grove, bell, "cron.show", "theirs")["by"] == editor.caller.name
    (run,) = of(grove, bell, "cron.history", "theirs")["runs"]
    assert (run["outcome"], "admin" in run["problem"]) == ("failed", True)


def test_running_or_pausing_a_forged_schedule_by_hand_does_not_make_it_ours(grove, hands, at_the_hour):
    bell = grove.new("bell")
    add(grove, bell, "five", "*/5 * * * *")
    work = {"work": lambda context: context.db.run("UPDATE _schedule SET caller = 'system'")}
    grove.acting_as("system").outcome(bell, "forge", check=True, **work)

    of(grove, bell, "cron.run", "five")
    states = [of(grove, bell, "cron.show", "five")["state"]]
    grove.call(bell, "cron.pause", names=["five"])
    states.append(of(grove, bell, "cron.show", "five")["state"])
    at_the_hour(11)
    hands.until_quiet()

    assert (states, grove.call(bell, "strokes")) == (["foreign"] * 2, ["ding"])
