"""What people write for times means exactly the moments that it says, also where the clocks change."""

from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from objects.timing.specs import Moments, read
from objects.timing.wallclock import moments
from teams.problems import WrongArgument

START = datetime(2026, 1, 1, tzinfo=UTC).timestamp()
ZONES = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe"]  # the last changes by half an hour
POLICIES = ["once", "skip", "both"]


def unix(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def fires(text: str, start: str, count: int, zone: str = "UTC", dst: str = "once") -> list[str]:
    """Give the first moments after one, in UTC."""
    spec = read(text, zone=zone, dst=dst, made_at=START)
    found: list[str] = []
    moment: float | None = unix(start)
    while len(found) < count and moment is not None and (moment := spec.after(moment)) is not None:
        found.append(datetime.fromtimestamp(moment, UTC).strftime("%m-%d %H:%M:%S"))
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("*/20 * * * *", ["01-01 00:20:00", "01-01 00:40:00", "01-01 01:00:00"]),
        ("*/30 * * * * *", ["01-01 00:00:30", "01-01 00:01:00", "01-01 00:01:30"]),
        ("0 9 * * mon-fri", ["01-01 09:00:00", "01-02 09:00:00", "01-05 09:00:00"]),
        ("0 0 L * *", ["01-31 00:00:00", "02-28 00:00:00", "03-31 00:00:00"]),
        ("0 12 * * 5#2", ["01-09 12:00:00", "02-13 12:00:00", "03-13 12:00:00"]),
        ("@daily", ["01-02 00:00:00", "01-03 00:00:00", "01-04 00:00:00"]),
        ("@weekly", ["01-04 00:00:00", "01-11 00:00:00", "01-18 00:00:00"]),
        ("every 90s", ["01-01 00:01:30", "01-01 00:03:00", "01-01 00:04:30"]),
        ("every 1h30m", ["01-01 01:30:00", "01-01 03:00:00", "01-01 04:30:00"]),
        ("at 2026-12-24T18:00", ["12-24 18:00:00"]),
        ("at 2026-12-24T18:00+02:00", ["12-24 16:00:00"]),
        ("RRULE:FREQ=WEEKLY;BYDAY=MO,WE;BYHOUR=7", ["01-05 07:00:00", "01-07 07:00:00", "01-12 07:00:00"]),
        ("FREQ=MONTHLY;BYDAY=-1FR;BYHOUR=17;BYMINUTE=30", ["01-30 17:30:00", "02-27 17:30:00", "03-27 17:30:00"]),
        ("FREQ=DAILY;INTERVAL=10;COUNT=2", ["01-11 00:00:00"]),
        ("FREQ=DAILY;UNTIL=20260103T000000Z", ["01-02 00:00:00", "01-03 00:00:00"]),
    ],
)
def test_a_text_means_these_moments(text, expected):
    assert fires(text, "2026-01-01T00:00Z", 3) == expected


# Berlin: 29 March 02:00 -> 03:00 (01:00Z); 25 October 03:00 -> 02:00 (01:00Z).
# New York: 8 March 02:00 -> 03:00 (07:00Z); 1 November 02:00 -> 01:00 (06:00Z).
# Lord Howe: 5 April 02:00 -> 01:30 (15:00Z the day before); 4 October 02:00 -> 02:30 (15:30Z the day before).
@pytest.mark.parametrize(
    ("zone", "text", "start", "once", "skip", "both"),
    [
        ("Europe/Berlin", "30 2 * * *", "2026-03-28T12:00Z",
         "03-29 01:00, 03-30 00:30", "03-30 00:30, 03-31 00:30", "03-30 00:30, 03-31 00:30"),
        ("Europe/Berlin", "30 2 * * *", "2026-10-24T12:00Z",
         "10-25 00:30, 10-26 01:30", "10-25 00:30, 10-26 01:30", "10-25 00:30, 10-25 01:30"),
        ("Europe/Berlin", "0 2,3 * * *", "2026-03-28T12:00Z",  # 02:00 is left out and counts with the change: at 03:00
         "03-29 01:00, 03-30 00:00", "03-29 01:00, 03-30 00:00", "03-29 01:00, 03-30 00:00"),
        ("America/New_York", "15 2 * * *", "2026-03-07T12:00Z",
         "03-08 07:00, 03-09 06:15", "03-09 06:15, 03-10 06:15", "03-09 06:15, 03-10 06:15"),
        ("America/New_York", "15 1 * * *", "2026-10-31T12:00Z",
         "11-01 05:15, 11-02 06:15", "11-01 05:15, 11-02 06:15", "11-01 05:15, 11-01 06:15"),
        ("Australia/Lord_Howe", "10 2 * * *", "2026-10-03T00:00Z",
         "10-03 15:30, 10-04 15:10", "10-04 15:10, 10-05 15:10", "10-04 15:10, 10-05 15:10"),
        ("Australia/Lord_Howe", "45 1 * * *", "2026-04-04T00:00Z",
         "04-04 14:45, 04-05 15:15", "04-04 14:45, 04-05 15:15", "04-04 14:45, 04-04 15:15"),
    ],
)  # fmt: skip
def test_on_the_days_on_which_the_clocks_change_exactly_these_run(zone, text, start, once, skip, both):
    found = [fires(text, start, 2, zone, policy) for policy in POLICIES]

    assert [", ".join(moment.removesuffix(":00") for moment in two) for two in found] == [once, skip, both]


@pytest.mark.parametrize("dst", POLICIES)
def test_what_comes_every_half_hour_goes_on_when_the_clocks_change(dst):
    spring = fires("*/30 * * * *", "2026-03-29T00:15Z", 4, "Europe/Berlin", dst)
    autumn = fires("*/30 * * * *", "2026-10-25T00:15Z", 5, "Europe/Berlin", dst)

    assert spring == ["03-29 00:30:00", "03-29 01:00:00", "03-29 01:30:00", "03-29 02:00:00"]
    assert autumn == ["10-25 00:30:00", "10-25 01:00:00", "10-25 01:30:00", "10-25 02:00:00", "10-25 02:30:00"]


def test_an_hour_that_comes_again_counts_again_also_on_the_only_day_of_a_week():
    twice = fires("*/20 1 * * sun", "2026-11-01T05:30Z", 5, "America/New_York", "once")

    assert twice == ["11-01 05:40:00", "11-01 06:00:00", "11-01 06:20:00", "11-01 06:40:00", "11-08 06:00:00"]


@pytest.mark.parametrize("start", ["2026-11-01T05:45Z", "2026-11-01T06:00Z", "2026-11-01T06:10Z"])
def test_who_begins_while_an_hour_comes_again_sees_no_time_of_it_twice(start):
    found = {dst: fires("30 1 * * *", start, 1, "America/New_York", dst) for dst in POLICIES}

    assert found == {"once": ["11-02 06:30:00"], "skip": ["11-02 06:30:00"], "both": ["11-01 06:30:00"]}


# ---- Against a slow reference: every minute is looked at ----

CHANGES = {
    "Europe/Berlin": ["2026-03-28T20:00Z", "2026-10-24T20:00Z"],
    "America/New_York": ["2026-03-08T02:00Z", "2026-11-01T02:00Z"],
    "Australia/Lord_Howe": ["2026-04-04T10:00Z", "2026-10-03T10:00Z"],
}


def field(least: int, most: int):
    value = st.integers(least, most)
    return st.one_of(
        st.just(("*", set(range(least, most + 1)))),
        st.integers(1, most).map(lambda step: (f"*/{step}", set(range(least, most + 1, step)))),
        st.lists(value, min_size=1, max_size=4).map(lambda some: (",".join(map(str, some)), set(some))),
        st.tuples(value, value)
        .map(sorted)
        .map(lambda ends: (f"{ends[0]}-{ends[1]}", set(range(ends[0], ends[1] + 1)))),
    )


def slowly(minutes, hours, weekdays, start: float, span: timedelta, zone: str, dst: str, *, fixed: bool) -> list[float]:
    """Look at every minute of a span and say at which the line fires."""

    def means(wall: datetime) -> bool:
        return wall.minute in minutes and wall.hour in hours and wall.isoweekday() % 7 in weekdays

    place, found = ZoneInfo(zone), []
    minute = datetime.fromtimestamp(start, UTC).replace(second=0)
    before = minute.astimezone(place)
    while minute.timestamp() < start + span.total_seconds():
        minute += timedelta(minutes=1)
        now = minute.astimezone(place)
        wall, wall_before = now.replace(tzinfo=None), before.replace(tzinfo=None)
        left_out = [
            wall_before + timedelta(minutes=n) for n in range(1, int((wall - wall_before).total_seconds() // 60))
        ]
        if not fixed:
            fires = means(wall)
        else:
            fires = means(wall) and (now.fold == 0 or dst == "both")
            fires |= dst == "once" and any(means(each) for each in left_out)
        if fires:
            found.append(minute.timestamp())
        before = now
    return found


@given(
    minutes=field(0, 59), hours=field(0, 23), weekdays=field(0, 6),
    zone=st.sampled_from(ZONES), change=st.integers(0, 1), into_s=st.integers(0, 14 * 3600),
    dst=st.sampled_from(POLICIES),
)  # fmt: skip
@settings(max_examples=150, deadline=None)
def test_a_cron_line_fires_when_a_look_at_every_minute_says_so(minutes, hours, weekdays, zone, change, into_s, dst):
    line = f"{minutes[0]} {hours[0]} * * {weekdays[0]}"
    start, span = unix(CHANGES[zone][change]) + into_s, timedelta(hours=30)
    spec = read(line, zone=zone, dst=dst, made_at=START)
    assert isinstance(spec, Moments)
    fixed = not minutes[0].startswith("*") and not hours[0].startswith("*")

    end = start + span.total_seconds()
    found = takewhile(lambda moment: moment <= end, moments(spec.pattern, start, spec.zone, dst))

    expected = slowly(minutes[1], hours[1], weekdays[1], start, span, zone, dst, fixed=fixed)
    assert list(found) == [moment for moment in expected if start < moment <= end]


@given(
    minute=st.integers(0, 59), hour=st.integers(0, 23), day=st.integers(1, 28), month=st.integers(1, 12),
    zone=st.sampled_from(ZONES), year=st.integers(2000, 2060),
)  # fmt: skip
@settings(max_examples=100, deadline=None)
def test_what_comes_once_a_year_comes_on_its_day_each_year(minute, hour, day, month, zone, year):
    spec = read(f"{minute} {hour} {day} {month} *", zone=zone, dst="once", made_at=START)
    start = datetime(year, 1, 1, tzinfo=ZoneInfo(zone)).timestamp() - 1
    assert isinstance(spec, Moments)

    found = list(islice(moments(spec.pattern, start, spec.zone, "once"), 3))

    days = [datetime.fromtimestamp(moment, ZoneInfo(zone)).date().isoformat() for moment in found]
    assert days == [f"{year + n}-{month:02}-{day:02}" for n in range(3)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("61 * * * *", 'spec: minute: 61 is not between 0 and 59. For every 61 minutes write "every 61m".'),
        ("* 24 * * *", 'spec: hour: 24 is not between 0 and 23. For every 24 hours write "every 24h".'),
        ("* * 0 * *", "spec: day of the month: 0 is not between 1 and 31."),
        ("* * * foo *", "spec: month: 'FOO' is no value. It takes 1 to 12, or jan to dec, *, and lists of them."),
        (
            "* * * * monday",
            (
            "spec: day of the week: 'MONDAY' is no value. Did you mean 'mon'?"
            " It takes 0 to 7, or sun to sat, *, and lists of them."
            ),
        ),
        ("*/0 * * * *", "spec: minute: '/0' is no step. Write a number of 1 or more: */5, 10-50/5."),
        ("5-1 * * * *", "spec: minute: 5-1 runs backwards. Write 1-5, or 5-59,0-1."),
        ("1,,2 * * * *", "spec: minute: '1,,2' lacks a value. Write *, 0, 0-59 or */5."),
        (
            "0 3 * *",
            (
            "spec: '0 3 * *' has 4 fields; a cron line has five (minute, hour, day of the month, month, day of"
            " the week), or six with the second in front."
            ),
        ),
        (
            "@dayly",
            (
            "spec: no '@dayly'. Did you mean '@daily'?"
            " There are @yearly, @annually, @monthly, @weekly, @daily, @midnight, @hourly."
            ),
        ),
        ("every soon", "spec: every 'soon'? Write a duration: every 90s, every 5m, every 1h30m; in quotes."),
        ("every 0.5s", "spec: every 0.5s: from 1s to ten years it can be."),
        (
            "at noon",
            (
            "spec: at 'noon' is no moment. Write it as at 2026-12-24T18:00, by the clocks of the schedule's zone,"
            " or with an offset: at 2026-12-24T18:00Z; in quotes."
            ),
        ),
        ("FREQ=DAILY;BYYEARDAY=400", "spec: 'FREQ=DAILY;BYYEARDAY=400' never comes: it leaves no day."),
        (
            "FREQ=SECONDLY",
            'spec: FREQ is at most DAILY in a rule. Write "every 6h", or a cron line such as "0 */6 * * *".',
        ),
    ],
)  # fmt: skip
def test_a_wrong_text_is_told_which_field_and_what_would_be_right(text, message):
    with pytest.raises(WrongArgument) as refused:
        read(text, zone="UTC", dst="once", made_at=START)

    assert (refused.value.field, refused.value.detail) == ("spec", message)


@pytest.mark.parametrize(
    ("zone", "near"),
    [("berlin", "Europe/Berlin"), ("Europe/Berlni", "Europe/Berlin"), ("new york", "America/New_York")],
)
def test_a_zone_that_is_none_is_told_which_is_near(zone, near):
    with pytest.raises(WrongArgument) as refused:
        read("@daily", zone=zone, dst="once", made_at=START)

    assert refused.value.field == "zone"
    assert f"Did you mean '{near}'?" in refused.value.detail


@given(st.text(max_size=60))
@settings(max_examples=300, deadline=None)
def test_any_text_is_a_schedule_or_refused(text):
    for zone in ("UTC", text):
        try:
            spec = read(text, zone=zone, dst="once", made_at=START)
        except WrongArgument:
            continue
        spec.after(START)
        assert spec.words()
