"""What Tab offers, where: each test types a line up to `|` and looks at what would be put there."""

import asyncio
import json

import pytest

from teams.access import Role
from terminal.builtins import builtins
from terminal.builtins.base import KEPT, NAMED
from terminal.completion import Completions, complete
from terminal.fields import COMPARISONS
from terminal.known import Known
from terminal.offers import Offer, ranked
from tests.terminal.sitting import Person
from tests.terminal.typing_person import typist

FILTERS = {name: builtins[name] for name in ("where", "sort", "select", "cut", "group", "head")}
BUILTINS = {name: builtins[name] for name in ("cd", "cat", "ls", "macro", "echo")}


@pytest.fixture
def at(grove):
    """An object with state, tables, files and children; its typist."""
    path = grove.new(name="desk")
    for child in ("drawer", "Dresser", "my lamp"):
        grove.call(path, "tree.create", name=child)
    grove.call(path, "tree.create", name="drawer/pens", parents=True)
    grove.call(path, "state.set_many", values={"lamp.level": 3, "lamp.on": True, "mode": "auto"})
    grove.call(path, "sql", query="create table plant(name text, height real); create table pot(size int)")
    grove.call(path, "files.put", name="plan.txt", content="dig")
    grove.call(path, "files.put", name="notes/may 1.md", content="x")
    return typist(grove, path, colour="red", count=3)


async def offered(shell, line: str, known=BUILTINS) -> list[str]:
    """The line as it would be with each offer; the cursor is at `|`."""
    before, _, after = line.partition("¦")
    found = await Completions(Known(shell), known).at(before + after, len(before), within_s=5)
    return [before[: each.start] + each.text for each in found]


async def test_a_command_is_found_by_its_beginning(at):
    assert (await offered(at, "he¦"))[:1] == ["help "]
    assert (await offered(at, "ca¦"))[:1] == ["cat "]


async def test_a_facility_leads_to_its_commands(at):
    assert (await offered(at, "sta¦"))[0] == "state "
    assert await offered(at, "state se¦") == ["state set ", "state set_many "]


async def test_a_second_word_alone_finds_the_whole_name(at):
    assert (await offered(at, "incr¦"))[:1] == ["state incr "]


async def test_flags_are_offered_once_and_with_what_they_mean(at):
    assert await offered(at, "tree find --ki¦") == ["tree find --kind"]
    assert "tree find --kind" not in await offered(at, "tree find --kind object --¦")


async def test_a_flag_is_followed_by_its_values(at):
    assert await offered(at, "tree find --kind ob¦") == ["tree find --kind object "]
    assert await offered(at, "tree find --kind=ob¦") == ["tree find --kind=object "]


async def test_keys_of_the_state_are_offered_with_their_values(at):
    assert await offered(at, "state get lamp¦") == ["state get lamp.level ", "state get lamp.on "]
    found = await complete(at, "state get lamp", 14)
    assert [(each.display, each.help) for each in found] == [("lamp.level", "3"), ("lamp.on", "yes")]


async def test_paths_come_from_the_tree_one_level_at_a_time(at):
    assert await offered(at, "cd dr¦") == ["cd drawer/", "cd Dresser "]
    assert await offered(at, "cd drawer/¦") == ["cd drawer/pens "]
    assert await offered(at, f"cd {at.path}/drawer/p¦") == [f"cd {at.path}/drawer/pens "]
    assert await offered(at, "cd ../de¦") == ["cd ../desk/"]


async def test_a_name_with_a_space_is_quoted_and_goes_on_in_quotes(at):
    assert await offered(at, "cd my¦") == ["cd 'my lamp' "]
    assert await offered(at, "cd 'my ¦") == ["cd 'my lamp' "]
    assert await offered(at, 'cat notes/"may¦') == ["cat 'notes/may 1.md' "]


async def test_files_and_folders_are_offered_where_files_are_meant(at):
    assert await offered(at, "files get pl¦") == ["files get plan.txt "]
    assert await offered(at, "files get no¦") == ["files get notes/"]
    assert await offered(at, "files get notes/¦") == ["files get 'notes/may 1.md' "]
    assert await offered(at, "help > pl¦") == ["help > plan.txt "]


async def test_sql_offers_tables_then_columns_then_keywords(at):
    assert await offered(at, "sql sel¦") == ["sql select"]
    assert await offered(at, "sql select name from p¦") == ["sql select name from plant", "sql select name from pot"]
    assert (await offered(at, "sql select name from plant where h¦"))[0] == "sql select name from plant where height"
    assert await offered(at, "sql select * from plant p where p.¦") == [
        "sql select * from plant p where p.name",
        "sql select * from plant p where p.height",
    ]
    assert await offered(at, "sql SEL¦") == ["sql SELECT"]
    assert await offered(at, "sql select 'na¦") == []


async def test_variables_macros_aliases_and_history_are_offered(at):
    await at.keeper.save_macro("goodnight", "state set lamp.on no")
    await at.keeper.save_alias("gg", "help")
    await at.keeper.remember("state set mode away", at.path, 0)

    assert await offered(at, "echo $co¦") == ["echo $colour", "echo $count"]
    assert await offered(at, "echo ${col¦") == ["echo ${colour}"]
    assert (await offered(at, "g¦"))[:2] == ["gg ", "goodnight "]
    assert await offered(at, "macro run go¦") == ["macro run goodnight "]
    assert await offered(at, "!mode¦") == ["state set mode away"]


async def test_the_line_is_read_as_the_language_does(at):
    assert await offered(at, "help | state se¦") == ["help | state set ", "help | state set_many "]
    assert await offered(at, "echo $(state se¦") == ["echo $(state set ", "echo $(state set_many "]
    assert await offered(at, "@drawer tree cr¦") == ["@drawer tree create "]
    assert await offered(at, "@dra¦") == ["@drawer/"]
    assert await offered(at, "on drawer cd p¦") == ["on drawer cd pens "]
    assert await offered(at, "each dr¦") == ["each drawer/", "each Dresser "]
    assert await offered(at, "each drawer/* -- state se¦") == [
        "each drawer/* -- state set ",
        "each drawer/* -- state set_many ",
    ]
    assert await offered(at, "x=sta¦") == []


async def test_what_begins_as_typed_comes_before_what_holds_it_before_scattered_letters():
    names = [Offer("reset"), Offer("set_many"), Offer("state set"), Offer("Settle"), Offer("s1e2t3")]

    assert [each.name for each in ranked("set", names)] == ["set_many", "Settle", "state set"]
    assert [each.name for each in ranked("ese", names)] == ["reset"]
    assert [each.name for each in ranked("stset", names)] == ["state set"]


@pytest.fixture
def viewer(at, grove, team, member, caller):
    """One who may look at everything but the drawer with the secret."""
    secret = grove.call(at.path, "tree.create", name="drawer-secret")["path"]
    return grove.acting_as(caller(team, member(team, Role.VIEWER, {secret: Role.NONE})))


async def test_what_the_caller_may_not_see_or_do_is_not_offered(at, viewer):
    secret = f"{at.path}/drawer-secret"
    shell = typist(viewer, at.path)

    assert f"cd {at.path}/drawer-secret " in await offered(at, f"cd {at.path}/dr¦")
    assert await offered(shell, f"cd {at.path}/dr¦") == [f"cd {at.path}/drawer/", f"cd {at.path}/Dresser "]
    assert "state set " not in await offered(shell, "state ¦")
    assert "state get " in await offered(shell, "state ¦")
    assert await offered(typist(viewer, secret), "state ¦") == []


async def test_a_slow_world_costs_no_more_than_the_time_allowed_and_serves_the_next_key(at):
    slow, may_answer = at.world.commands, asyncio.Event()

    async def later(path):
        await may_answer.wait()
        return await slow(path)

    at.world.commands = later
    known = Known(at)
    completions = Completions(known, BUILTINS)

    first = await completions.at("state se", 8)  # were the world waited for, it would never come
    may_answer.set()
    await asyncio.wait(known._asked.values())
    second = await completions.at("state se", 8)

    assert first == []
    assert [each.text for each in second] == ["set ", "set_many "]


async def test_answers_are_kept_between_keys(at):
    completions = Completions(Known(at), BUILTINS)
    for line in ("cd d", "cd dr", "cd dra"):
        await completions.at(line, len(line), within_s=5)

    assert at.world.asked == [(at.path, "tree.list")]


@pytest.mark.parametrize(
    "line",
    ["", "'", '"$(', "$", "${", "|", "cd ////..", "cd \0", "state get \ud800", "{", "[", "a" * 30_000, "sql '", "<<"],
)
async def test_no_line_makes_completion_fail(at, line, caplog):
    for cursor in (0, len(line) // 2, len(line), len(line) + 5, -3):
        await Completions(Known(at), BUILTINS).at(line, cursor)

    assert [record.message for record in caplog.records if record.name == "terminal.completion"] == []


# ---- Fields of what comes through a pipe ----


async def piped(shell, line: str) -> list[str]:
    """The same, where filters are known, too."""
    return await offered(shell, line, BUILTINS | FILTERS)


async def test_filters_are_offered_the_columns_of_a_query_or_a_table(at):
    assert await piped(at, "sql select * from plant | sort ¦") == [
        "sql select * from plant | sort name ",
        "sql select * from plant | sort height ",
        "sql select * from plant | sort --reverse",
        "sql select * from plant | sort --unique",
    ]
    assert await piped(at, "cat db/plant | where h¦") == ["cat db/plant | where height "]
    assert await piped(at, f"cat {at.path}/db/pot | select ¦") == [f"cat {at.path}/db/pot | select size "]
    assert await piped(at, "sql select count(*) as number from pot | where nu¦") == [
        "sql select count(*) as number from pot | where number "
    ]


async def test_filters_are_offered_the_fields_of_what_commands_and_builtins_give(at):
    assert await piped(at, "ls -l | where ki¦") == ["ls -l | where kind "]
    assert "tree list | sort kind " in await piped(at, "tree list | sort ¦")
    assert "state list | sort key " in await piped(at, "state list | sort k¦")
    assert await piped(at, f"@{at.path} ls | group s¦") == [f"@{at.path} ls | group size "]


async def test_what_a_filter_leaves_is_what_the_next_is_offered(at):
    assert await piped(at, "ls | head 3 | sort na¦") == ["ls | head 3 | sort name "]
    assert await piped(at, "ls | select name size | where ¦") == [
        "ls | select name size | where name ",
        "ls | select name size | where size ",
    ]
    assert await piped(at, "ls | group kind | sort na¦") == []


async def test_a_condition_is_offered_what_may_stand_there(at):
    assert await piped(at, "ls | where size ¦") == [f"ls | where size {each} " for each in COMPARISONS]
    assert await piped(at, "ls | where kind == ob¦") == ["ls | where kind == object "]
    assert await piped(at, "ls | where size > 5 ¦") == ["ls | where size > 5 and ", "ls | where size > 5 or "]
    assert await piped(at, "ls | where size > 5 and k¦") == ["ls | where size > 5 and kind "]
    assert await piped(at, "ls | where not (na¦") == ["ls | where not (name "]


async def test_flags_that_name_fields_are_offered_them(at):
    assert await piped(at, "ls | cut --fields na¦") == ["ls | cut --fields name "]
    assert await piped(at, "ls | cut --fields name,ki¦") == ["ls | cut --fields name,kind "]
    assert await piped(at, "ls | group kind --total si¦") == ["ls | group kind --total size "]


async def test_a_pipe_within_a_block_or_substitution_counts(at):
    assert await piped(at, "echo $(ls | sort na¦") == ["echo $(ls | sort name "]


@pytest.mark.parametrize("line", ["where n¦", "echo x | sort n¦", "nothing | where n¦", "ls | nothing | sort n¦"])
async def test_where_nobody_can_tell_nothing_is_offered(at, line):
    assert await piped(at, line) == []


@pytest.fixture
def person_at(grove, team):
    """Sit down at the shell of an object."""
    return lambda: Person(grove.caller, team.slug, grove.home)


async def test_builtins_give_the_fields_that_they_say(person_at, grove):
    """`gives` of each builtin, against what it gives."""
    ann = person_at()
    await ann.types("mkdir child", "state set a 1", "write notes.txt x")
    told = {name: each.gives for name, each in builtins.items() if each.gives not in ((), KEPT, NAMED)}
    assert set(told) == {"ls", "find", "history"}
    await ann.shell.keeper.remember("ls", "/", 0)

    for name, fields in told.items():
        shown = json.loads(await ann.types(f"{name} | json --compact"))
        assert set(fields) <= set(shown[0]), name
