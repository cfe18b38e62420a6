"""The shell as a person meets it: what lines answer, what refusals look like, and how running things are stopped."""

# ruff: noqa: E501, ISC004 -- a line that was typed and its answer stand in one piece

import asyncio

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from objects import live
from objects.engine.calls import Event
from teams.access import Caller, Role
from terminal.outcomes import CANCELLED
from terminal.world import MISSED
from tests.terminal.sitting import Person


@pytest.fixture
async def sitting(grove, team):
    made = Person(grove.caller, team.slug, grove.home)
    yield made
    await made.shell.close()


@pytest.fixture
def home(grove):
    return grove.home


# ---- Language ----


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("echo a && echo b || echo c", "a\nb\n"),
        ("false && echo b || echo c", "c\n"),
        ("false; echo $?", "1\n"),
        ("x=5; echo \"$x ${x}\" '$x' \\$x", "5 5 $x $x\n"),
        ('x={"a": {"b": [1, 2]}}; echo ${x.a.b.1}', "2\n"),
        ("x=1; x=2 echo $x; echo $x", "2\n1\n"),
        ("echo $(seq 2 | sum) \"$(printf 'a\\nb\\n')\"", "3 a\nb\n"),
        ("echo {a,b}{1,2} {c} x{,y}", "a1 a2 b1 b2 {c} x xy\n"),
        ("echo one # two", "one\n"),
        ("{ echo a; echo b } | count", "2\n"),
        ("cat <<EOF\na $(echo b)\nEOF", "a b\n"),
        ("cat <<'EOF'\na $(echo b)\nEOF", "a $(echo b)\n"),
        ('echo [1, 2] {"a": 1}', '[1, 2] {"a": 1}\n'),
        ("test 1 > 2 || echo no", "no\n"),
    ],
)  # fmt: skip
async def test_a_line_answers(sitting, line, answer):
    assert await sitting.types(line) == answer


async def test_patterns_mean_what_is_in_the_tree(sitting, home):
    await sitting.types("mkdir p/a/x; mkdir p/b/x; mkdir p/b/y; echo 1 > n.csv; echo 2 > files/d/m.csv; state set k 1")

    assert await sitting.types("echo p/* p/*/x p/**/x p/** *.csv files/*/*.csv state/* no*") == (
        "p/a p/b p/a/x p/b/x p/a/x p/b/x p/a p/a/x p/b p/b/x p/b/y n.csv files/d/m.csv state/k no*\n"
    )
    assert await sitting.types(f"echo {home}/p/[a-z]/?") == f"{home}/p/a/x {home}/p/b/x {home}/p/b/y\n"


async def test_values_go_through_pipes_as_data(sitting):
    await sitting.types("sql create table t(n int, name text)", "sql insert into t values (1, 'one'), (2, 'two || 2')")

    assert await sitting.types("sql select n, name || '!' as x from t where n > 1 | json --compact") == (
        '[{"n": 2, "x": "two || 2!"}]\n'
    )
    assert await sitting.types("cat db/t | where name contains '||' | get n") == "2\n"


async def test_redirections_write_files_in_the_form_that_their_names_tell(sitting, home):
    await sitting.types("mkdir orders", "sql query select 1 as a, 'x,y' as b | save r.csv", "seq 2 > orders/n.json",
                        f"echo more >> {home}/log.txt", f"echo more >> {home}/log.txt")  # fmt: skip

    assert await sitting.types("cat r.csv orders/n.json log.txt") == 'a,b\n1,"x,y"\n[\n  1,\n  2\n]\nmore\nmore\n'
    assert await sitting.types("wc -l < log.txt") == "2\n"


async def test_what_the_pipe_brings_fills_the_missing_argument(sitting):
    await sitting.types(
        "echo 'select 7 as n' | sql", "echo hello | files put a.txt", 'echo {"b": 1} | json --read | state set k'
    )

    assert await sitting.types("cat a.txt; state get k") == "hello\nb  1\n"


async def test_a_slip_in_an_objects_name_makes_no_folder(sitting):
    assert await sitting.types("echo a > nope/x.txt; ls") == (
        "echo: nope: no such object. A file in a folder is named with its room: files/nope/x.txt.\n"
        "  echo a > nope/x.txt; ls\n           ^^^^^^^^^^\n"
    )
    assert await sitting.types("echo a > files/nope/x.txt; ls; cat nope/x.txt") == "nope/\na\n"


async def test_the_shells_own_commands_run_at_another_object_too(sitting, home):
    await sitting.types("mkdir a/b")

    assert await sitting.types("@a ls; on a pwd; pwd") == f"b\n{home}/a\n{home}\n"


async def test_another_objects_command_is_run_there(sitting):
    await sitting.types("mkdir a", "@a state set n 4")

    assert await sitting.types("on a state get n; state list | count") == "4\n0\n"


async def test_help_is_also_asked_for_behind_a_command(sitting):
    for command in ("state set", "sql", "sort", "watch"):
        assert await sitting.types(f"{command} --help") == await sitting.types(f"help {command}")
    assert await sitting.types("echo '--help'") == "--help\n"


async def test_flags_of_each_may_stand_behind_the_objects(sitting, home):
    await sitting.types("mkdir p/a", "mkdir p/b")

    expected = await sitting.types("each --dry-run p/* -- state set n 1")
    assert "state set n 1" in expected
    assert await sitting.types("each p/* --dry-run -- state set n 1") == expected
    assert await sitting.types("each p/* -- state set n 1 | count") == "2\n"


async def test_the_number_of_head_and_tail_may_be_a_word(sitting):
    assert (
        await sitting.types("seq 5 | head 2; seq 5 | tail 1; seq 5 | head -1; seq 5 | tail -n 1") == "1\n2\n5\n1\n5\n"
    )


# ---- Refusals ----


@pytest.mark.parametrize(
    ("line", "status", "answer"),
    [
        ("nosuch thing", 127, "no command 'nosuch'. Did you mean 'touch'? `help` lists them.\n  nosuch thing\n  ^^^^^^\n"),
        ("ls | | wc", 2, "'|' needs a command before it.\n  ls | | wc\n       ^\n"),
        ("echo 'abc", 2, "column 6: the quote ' is not closed.\n  echo 'abc\n       ^\n"),
        ("seq 3 | head -x", 2, "head: no flag '-x'. Flags: -n (--count). Put -- before words that begin so.\n"
         "  seq 3 | head -x\n               ^^\n"),
        ("ls $nope", 1, "ls: no variable 'nope'. `nope=…` makes it.\n  ls $nope\n     ^^^^^\n"),
        ("ls | where kind = = 2", 2, "where: a value is missing here.\n  ls | where kind = = 2\n                    ^^^\n"),
        ("state set x", 2, "state set: value: is needed: any JSON; text that is no JSON is kept as text (any JSON value).\n"
         "  state set x\n             ^\n"),
        ("seq 2 | jq nope", 2, "jq: nope/0 is not defined, line 1, column 1.\n  seq 2 | jq nope\n             ^^^^\n"),
        ("grep x", 2, "grep: works on what comes through a pipe: `ls | grep`. Nothing comes.\n"),
        ("seq 2 | grep '('", 2, "grep: '(' is no regular expression: missing ): (.\n  seq 2 | grep '('\n               ^^^\n"),
        ("state get x --foo", 2, "state get: no flag '--foo'. Flags: --key, --default. Put -- before words that begin so.\n"
         "  state get x --foo\n              ^^^^^\n"),
        ("sql selec 1", 2, 'sql: query: near "selec": syntax error\n  sql selec 1\n      ^^^^^\n'),
        ("sql select 1 > a.csv", 2, "sql: query: no such column: a.csv. In SQL, > compares: "
         "`… | save a.csv` writes the answer into a file.\n  sql select 1 > a.csv\n                 ^\n"),
        ("sort", 2, "sort: works on what comes through a pipe: `ls | sort`. Nothing comes.\n"),
    ],
)  # fmt: skip
async def test_a_refusal_points_at_the_word(sitting, line, status, answer):
    assert (await sitting.types(line), sitting.status) == (answer, status)


async def test_a_refusal_on_a_long_line_shows_what_is_around_the_word(sitting):
    sitting.screen.width = 40

    shown = await sitting.types("echo " + "a " * 50 + "$nope" + " b" * 50)

    assert shown == (
        "echo: no variable 'nope'. `nope=…` makes it.\n"
        "  …a a a a a a a a a $nope b b b b b b\n"
        "                     ^^^^^\n"
    )


async def test_rm_spells_its_effect_out_and_asks_for_the_name(sitting, home):
    await sitting.types("mkdir plans/old")

    assert await sitting.types("rm plans") == (
        "rm: not confirmed, so nothing was changed. --yes says it beforehand, for scripts.\n  rm plans\n     ^^^^^\n"
    )
    sitting.screen.answers = ["plans"]
    assert (await sitting.types("rm plans | get objects"), await sitting.types("ls")) == ("2\n", "")
    assert sitting.screen.questions == [f"rm {home}/plans: 2 objects, 0B. Type plans to go on: "] * 2
    assert await sitting.types("restore plans; ls plans") == f"path {home}/plans  objects 2\nold\n"


async def test_a_viewer_is_neither_offered_nor_allowed_to_change(grove, team):
    viewer = Caller(name="viewer", schema=grove.schema, grants=(("/", Role.VIEWER),), id="viewer")
    person = Person(viewer, team.slug, grove.home)

    shown = await person.types("echo hi > a.txt")

    assert shown == (
        f"echo: files.put: needs the role editor on {grove.home}; yours there is viewer. An admin of it can give you a grant.\n"
        "  echo hi > a.txt\n            ^^^^^\n"
    )


async def test_control_characters_in_data_are_made_visible(sitting):
    await sitting.types("printf 'a\\e[31mb' | files put x.txt", "printf '\\e]0;t' | state set k")

    assert await sitting.types("cat x.txt; state get k; ls") == "a␛[31mb\n␛]0;t\nx.txt\n"


# ---- Across many objects ----


async def test_each_tells_what_failed_and_goes_on(sitting, home):
    await sitting.types("mkdir p/a; mkdir p/b", "@p/a state set n 1")

    shown = await sitting.types("each p/* -- state get n")

    assert (shown, sitting.status) == (
        f"1 of 2 failed:\n  {home}/p/b: n: no such key. `state list` shows those that there are.\n"
        f"{'path':{len(home) + 4}}  result\n{home}/p/a       1\n",
        1,
    )


async def test_a_dry_run_changes_nothing(sitting, home):
    await sitting.types("mkdir p/a; mkdir p/b")

    assert await sitting.types("each --dry-run p/* -- rm {} --yes | get command") == (
        f"rm {home}/p/a --yes\nrm {home}/p/b --yes\n"
    )
    assert await sitting.types("ls p") == "a  b\n"


# ---- Jobs and Ctrl-C ----


async def stop(person, line, after_s=0.3):
    """Run a line and press Ctrl-C."""
    task = asyncio.create_task(person.shell.run(line))
    await asyncio.sleep(after_s)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        async with asyncio.timeout(20):
            await task


async def until(is_so):
    """Wait until something is so."""
    async with asyncio.timeout(20):
        while not is_so():  # noqa: ASYNC110 -- of any condition
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("line", [
    "sleep 60", "watch", "watch 1s pwd", "state watch", "seq 100000000 | count", "seq 100000000 | sort",
    "seq 3 | jq 'def f: f; f'", "seq 100000000 | jq .", "seq 100000000", "each . . -- sleep 60", "wait; sleep 60", "echo $(sleep 60)",
])  # fmt: skip
async def test_ctrl_c_stops_a_line_and_the_session_lives_on(sitting, line):
    await stop(sitting, line)

    assert sitting.status == CANCELLED
    assert await sitting.types("echo here") == "here\n"


async def test_a_flood_goes_as_fast_as_it_is_read_and_stops_at_once(sitting, grove):
    grove.call(grove.home, "files.put", name="flood.txt", content="0123456789abcde\n" * 655_360)
    sitting.screen.delay_s = 0.02

    await stop(sitting, "cat flood.txt", after_s=0.5)

    assert 0 < len(sitting.screen.shown) < 10_000_000


async def test_a_job_runs_in_the_background_and_tells_when_it_ends(sitting):
    assert await sitting.types("sleep 50ms && echo done-it &") == "[1] sleep 50ms && echo done-it\n"

    assert await sitting.types("wait") == "done-it\n[1] done: sleep 50ms && echo done-it\n"
    assert await sitting.types("jobs") == ""


async def test_watching_tells_what_could_not_be_shown_and_goes_on(sitting, grove):
    waits, sees_last = asyncio.Event(), asyncio.Event()
    write = sitting.screen.write

    async def slow_write(text: str) -> None:
        await write(text)
        if "last" in text:
            sees_last.set()
        await waits.wait()

    sitting.screen.write = slow_write
    task = asyncio.create_task(sitting.shell.run("watch"))
    schema = grove.caller.schema
    await until(lambda: (schema, grove.home) in live.ears().listeners)
    for number in range(3_000):
        live.publish([Event(schema, grove.home, "t", {"n": number}, number, 1.0)])
        if number % 500 == 0:
            await asyncio.sleep(0.01)
    waits.set()
    await until(lambda: MISSED in sitting.screen.shown)
    live.publish([Event(schema, grove.home, "t", {"n": "last"}, 1, 1.0)])
    async with asyncio.timeout(20):
        await sees_last.wait()
    task.cancel()
    await asyncio.wait({task})

    assert sitting.screen.shown.count(MISSED) == 1
    assert MISSED in sitting.screen.shown.partition("last")[0]


# ---- Anything at all ----

WORDS = ["ls", "echo", "where", "sort", "head", "each", "state", "set", "sql", "select", "1", "x", "-n", "--", "{}", "{", "}", "$x", "$?",
         "$(", ")", "|", "&&", "||", ";", "&", ">", "<", "<<E", "\nE\n", "'", '"', "*", "**", "/", "..", "a.txt", "x=1", "jobs", "get",
         "count", "json", "csv", "chart", "@.", "on", "time", "cat", "rm", "files", "uniq", "table", "[1, 2]", '{"a": [1]}', "-5", "tail",
         "test", "it", "==", "printf", "%s", "\\", "\x1b", "é", "日本", "unset", "kill", "tree", "cd", "cut", "-f", "1-2", "--read"]  # fmt: skip
lines = st.one_of(st.lists(st.sampled_from(WORDS), max_size=10).map(" ".join), st.text(max_size=30))


@given(st.lists(lines, max_size=3))
@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_line_is_answered(grove, team, caplog, typed):
    async def sit() -> list[str]:
        person = Person(grove.caller, team.slug, grove.home)
        shown = [await person.types(line) for line in typed]
        shown.append(await person.types("echo 'still here'"))
        await person.shell.close()
        return shown

    shown = asyncio.run(sit())

    assert shown[-1].endswith("still here\n")
    assert not [record for record in caplog.records if record.name == "grove.terminal"]
    assert not any("Traceback" in text or "\x1b" in text for text in shown)
