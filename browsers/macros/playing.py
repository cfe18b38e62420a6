"""Plays a macro: its steps one after the other in the object's browser, each told as it happens.

It ends at the first step that fails. A step that went well but not as it did while it was recorded differs; then it
goes on. Rows that are kept are in their table once their step is done, whatever comes after.
"""

import asyncio
import base64
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from difflib import SequenceMatcher
from typing import Any, Final, Literal, NoReturn
from urllib.parse import urlsplit

import orjson
from playwright.async_api import Error

from browsers.commands.base import small_picture
from browsers.context import SessionContext
from browsers.errors import first_line
from browsers.macros import tables
from browsers.macros.language import FACILITY, Do, Each, Keep, Macro, Parameter, Step, filled, names_in, names_in_sql
from browsers.macros.recording import LONGEST_PAUSE_S
from browsers.macros.store import Kept, Macros, Play
from objects.commands.shapes import MASK
from objects.commands.suggest import did_you_mean
from objects.commands.words import written
from objects.sdk import Json, Moment, Picture, Seconds
from teams import clock
from teams.problems import Conflict, OutOfTime, Problem, WrongArgument

ANSWERED_ROWS: Final = 1_000  # of one step that the answer has; the table has all
NOTED_STEPS: Final = 200  # that are remembered with a play
SHOWN_CHARS: Final = 300

Outcome = Literal["done", "differs", "failed", "would"]


@dataclass(frozen=True, slots=True)
class PlayedStep:
    """How a step went. row: in a loop, which row it was for. said: what it answered, why it failed, what differs."""

    line: int
    text: str
    row: str
    outcome: Outcome
    said: str
    took: Seconds


@dataclass(frozen=True, slots=True)
class KeptRows:
    """Rows that were kept. table: of the object's database; "" where they are only told. rows: the first of them."""

    line: int
    table: str
    columns: list[str]
    rows: list[list[Json]]
    count: int


@dataclass(frozen=True, slots=True)
class Played:
    """How a macro went. outcome: differs where a step did; line: the first of those. run: the number kept with rows."""

    macro: str
    outcome: Literal["done", "differs", "would"]
    line: int | None
    run: int
    began_at: Moment
    took: Seconds
    steps: list[PlayedStep]
    kept: list[KeptRows]
    picture: Picture

    @staticmethod
    def as_text(played: Mapping[str, Any], width: int) -> str:  # noqa: ARG004 -- what every record that does this takes
        """Write it for people: how it went, what differs, what was kept."""
        steps = len(played["steps"])
        count = f"{steps} step{'' if steps == 1 else 's'}"
        if played["outcome"] == "would":
            return "\n".join(
                [f"{played['macro']} would do {count}", *(_line_of_text(each) for each in played["steps"])]
            )
        lines = [f"played {played['macro']}, {count}, {played['took']} s"]
        lines += [_line_of_text(each) for each in played["steps"] if each["outcome"] == "differs"]
        for each in played["kept"]:
            where = f" into {each['table']}" if each["table"] else ""
            lines.append(f"kept {each['count']} row{'' if each['count'] == 1 else 's'}{where}, line {each['line']}")
        return "\n".join(lines)


def _line_of_text(step: Mapping[str, Any]) -> str:
    row = f" ({step['row']})" if step["row"] else ""
    said = f": {step['said']}" if step["said"] else ""
    return f"line {step['line']}{row} {step['outcome']}: {step['text']}{said}"


@dataclass(frozen=True, slots=True)
class Wish:
    """How a macro is to be played. rows: for `each rows`. is_dry: only tell what would be done."""

    values: Mapping[str, str]
    secrets: Mapping[str, str]
    rows: Any = None
    pace: Literal["fast", "recorded"] = "fast"
    is_dry: bool = False
    seconds: float = 600.0


class Failed(Exception):  # noqa: N818 -- of a step, not of ours
    """A step failed, which is the last of the steps."""


class Player:
    """One play of a macro. run: its number."""

    def __init__(self, context: SessionContext, kept: Kept, macro: Macro, run: int, wish: Wish) -> None:
        self.context = context
        self.session = context.session
        self.macro = macro
        self.name = kept.name
        self.run = run
        self.wish = wish
        self.values = given(macro, wish)
        if macro.takes_rows and wish.rows is None:
            raise WrongArgument(
                "rows", 'the macro goes through rows: give them, such as --rows \'[{"name": "Mint"}]\'.'
            )
        self.rows = tables.rows_of(wish.rows) if wish.rows is not None else []
        self.steps: list[PlayedStep] = []
        self.kept: list[KeptRows] = []
        self._facility = context.facility(FACILITY)
        self._expected = expected(macro, kept.recorded)
        self._secrets = [each for each in wish.secrets.values() if each]
        self._tables: dict[str, Mapping[str, str] | None] = {}
        self._row = ""
        self._at: Step | None = None  # what is being done

    async def play(self) -> Played:
        """Play it. Raises Conflict or OutOfTime for the step that failed; `steps` in it has all until then."""
        self.context.shows = False
        began = time.monotonic()
        outcome, problem, picture = "cancelled", "", ""
        try:
            async with asyncio.timeout(self.wish.seconds):
                await self._all(self.macro.steps, self.values)
            outcome = "would" if self.wish.is_dry else "done" if self._differs_at() is None else "differs"
        except Failed:
            outcome, problem = "failed", self.steps[-1].said
        except TimeoutError:
            outcome, problem = "out of time", f"the play took {self.wish.seconds:g} s, which is its limit (--seconds)."
            self._tell(self._at, "failed", problem, 0.0)
        finally:
            if outcome != "cancelled" and not self.wish.is_dry:
                picture = await self._picture()
            if outcome not in ("done", "differs"):
                self.context.keep_files()  # what steps said to have saved is there, too, where a later one failed
            took_s = round(time.monotonic() - began, 2)
            self._note(outcome, problem, took_s, picture)
        if problem:
            last = self.steps[-1]
            where = f" ({last.row})" if last.row else ""
            raise (OutOfTime if outcome == "out of time" else Conflict)(
                f"line {last.line}{where}: {last.text}: {problem}",
                line=last.line,
                run=self.run,
                steps=[asdict(each) for each in self.steps[-NOTED_STEPS:]],
                picture=picture,
            )
        return Played(
            macro=self.name,
            outcome=outcome,  # type: ignore[arg-type]
            line=self._differs_at(),
            run=self.run,
            began_at=datetime.fromtimestamp(int(self.context.now), UTC),
            took=took_s,
            steps=self.steps,
            kept=self.kept,
            picture=picture,
        )

    def _differs_at(self) -> int | None:
        return next((each.line for each in self.steps if each.outcome == "differs"), None)

    # Steps

    async def _all(self, steps: Sequence[Step], values: Mapping[str, str]) -> None:
        for step in steps:
            self._at = step
            if isinstance(step, Each):
                await self._each(step, values)
            else:
                await self._one(step, values)

    async def _each(self, step: Each, values: Mapping[str, str]) -> None:
        began = time.monotonic()
        try:
            rows = await self._rows(step, values)
        except Problem as problem:
            self._fail(step, problem.detail, began)
        outer = self._row
        for number, row in enumerate(rows, start=1):
            self._row = f"{outer + ', ' if outer else ''}row {number} of {len(rows)}"
            await self._all(step.steps, {**values, **row})
        self._row = outer

    async def _rows(self, step: Each, values: Mapping[str, str]) -> list[tables.Row]:
        context = self.context
        if step.source == "rows":
            return self.rows
        if step.source == "file":
            name = str(filled(step.what, values))
            got = await context.call(context.path, "files.get", name=name)
            return tables.rows_in(name, base64.b64decode(got["base64"]))
        asked = {name: values.get(name.lower()) for name in names_in_sql(step.what) if name.lower() in values}
        answer = await context.call(context.path, "sql.query", query=step.what, params=asked or None)
        if answer["truncated"]:
            raise Conflict(f"gives more rows than are gone through at once: {answer['note']}")
        return tables.named(answer["columns"], answer["rows"])

    async def _one(self, step: Do | Keep, values: Mapping[str, str]) -> None:
        began = self.context.began_at = time.monotonic()
        if len(self.steps) >= self.context.limits.BROWSER_PLAY_STEPS:
            most = self.context.limits.BROWSER_PLAY_STEPS
            self._fail(step, f"a play has at most {most:,} steps (limit BROWSER_PLAY_STEPS).", began)
        told = self._told(step)
        self.context.progress(step.line / max(1, self.macro.lines), f"line {step.line}: {step.text}")
        try:
            arguments = step.spec.check(filled(dict(step.arguments), values), text=True)
            if self.wish.is_dry:
                self._tell(step, "would", self._would(step, values), 0.0)
                return
            if self.wish.pace == "recorded" and told:
                await asyncio.sleep(_seconds(told.get("after")))
                began = self.context.began_at = time.monotonic()
            value = step.spec.plain(await step.spec.run(self._facility, arguments))
            said = await self._keep(step, value) if isinstance(step, Keep) else _said(value)
        except Problem as problem:
            self._fail(step, problem.detail, began)
        except (Error, TimeoutError) as error:
            self._fail(step, await self._why(error), began)
        differs = self._difference(step, told, value) if told else ""
        took_s = round(time.monotonic() - began, 2)
        self._tell(step, "differs" if differs else "done", differs or said, took_s)

    async def _why(self, error: Exception) -> str:
        if self.session.context is None:
            return "the browser ended while it was at it. Play it again: it is as it was saved last."
        said = first_line(error) if isinstance(error, Error) else "it took too long."
        if await self.session.cut_stuck():
            said += " The page did not answer any more and was closed."
        return "; ".join([said, *self.session.notes])

    def _would(self, step: Do | Keep, values: Mapping[str, str]) -> str:
        """Say a step with its values put in, where that says more than its text."""
        secret = {each.name: MASK for each in self.macro.parameters if each.secret}
        line = written(step.spec, filled(dict(step.arguments), {**values, **secret}))
        return line if names_in(step.arguments) else ""

    async def _keep(self, step: Keep, value: Any) -> str:
        context = self.context
        name = step.spec.name.rpartition(".")[2]
        column = str(step.arguments.get("name", "value")) if name == "attr" else "value" if name == "eval" else name
        columns, rows = tables.kept(value, column)
        rows = [[self._masked(each) if isinstance(each, str) else each for each in row] for row in rows]
        self.kept.append(KeptRows(step.line, step.table, columns, rows[:ANSWERED_ROWS], len(rows)))
        if not step.table:
            return f"{len(rows)} rows"
        if step.table not in self._tables:
            there = await context.call(context.path, "sql.tables")
            known = {each["name"].lower(): each for each in there}.get(step.table.lower())
            self._tables[step.table] = None if known is None else known["columns"]
        present = self._tables[step.table]
        moment = datetime.fromtimestamp(clock.now(), UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        params = {"run": self.run, "at": moment, "rows": orjson.dumps(rows, option=orjson.OPT_NON_STR_KEYS).decode()}
        await context.call(context.path, "sql", query=tables.adding(step.table, present, columns), params=params)
        self._tables[step.table] = dict(present or {}) | dict.fromkeys([*tables.OWN, *columns], "")
        return f"kept {len(rows)} row{'' if len(rows) == 1 else 's'} into {step.table}"

    # What is told

    def _fail(self, step: Step, why: str, began: float) -> NoReturn:
        self._tell(step, "failed", why, round(time.monotonic() - began, 2))
        raise Failed

    def _tell(self, step: Step | None, outcome: Outcome, said: str, took_s: float) -> None:
        line, text = (step.line, step.text) if step is not None else (0, "")
        said = self._masked(" ".join(said.split()))[:SHOWN_CHARS]
        self.steps.append(PlayedStep(line, text, self._row, outcome, said, took_s))
        row = f"  ({self._row})" if self._row else ""
        self.context.write(
            f"{line:>4}  {outcome:<7}  {text}{row}{'  ' + said if outcome != 'done' else ''}  {took_s} s\n"
        )

    def _masked(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, MASK)
        return text

    def _told(self, step: Do | Keep) -> Mapping[str, Any]:
        return self._expected.get(step.line, {})

    def _difference(self, step: Do | Keep, told: Mapping[str, Any], value: Any) -> str:
        """Say in what a step differs from when it was recorded; "" where in nothing."""
        if not isinstance(value, dict) or "did" not in value:
            return ""
        is_same_line = told.get("line") == step.text
        shown = (lambda url: url) if is_same_line else _place  # what a line was changed to may well be in the address
        found = []
        if told.get("url") and shown(value["url"]) != shown(str(told["url"])):
            found.append(f"it is at {value['url']}, not {told['url']}")
        if told.get("title") and value["title"] != told["title"]:
            found.append(f"the title is {value['title']!r}, not {told['title']!r}")
        if is_same_line and told.get("did") and value["did"] != told["did"]:
            found.append(f"it {value['did']}, where it {told['did']}")
        return "; ".join(found)

    async def _picture(self) -> str:
        session = self.session
        tab = session.tabs[session.front] if session.context is not None and session.tabs else None
        if tab is None or tab.page is None or tab.page.is_closed():
            return ""
        return await small_picture(tab.page)

    def _note(self, outcome: str, problem: str, took_s: float, picture: str) -> None:
        """Have the play remembered by the object."""
        if self.wish.is_dry:
            return
        ended = {"failed", "out of time", "cancelled"}
        line = self.steps[-1].line if self.steps and outcome in ended else self._differs_at()
        secret = {each.name for each in self.macro.parameters if each.secret}
        play = Play(
            number=self.run,
            name=self.name,
            began_at=self.context.now,
            took_s=took_s,
            outcome="failed" if outcome == "out of time" else outcome,
            line=line,
            problem=self._masked(problem),
            by=self.context.caller.name,
            arguments={name: MASK if name in secret else value for name, value in self.values.items()},
            steps=[asdict(each) for each in self.steps[-NOTED_STEPS:]],
            picture=picture,
        )
        keep = self.context.limits.BROWSER_PLAYS

        def note(inside: Any) -> None:
            Macros(inside.db).note(play, keep)
            told = {"macro": play.name, "run": play.number, "outcome": play.outcome, "problem": play.problem}
            inside.emit(FACILITY, told)

        self.context.keep(note)


def given(macro: Macro, wish: Wish) -> dict[str, str]:
    """Put together what parameters are. Raises WrongArgument for one that is missing, or is none."""
    known: dict[str, Parameter] = {each.name: each for each in macro.parameters}
    for name in wish.values.keys() | wish.secrets.keys():
        if name not in known:
            has = f" It has {', '.join(known)}." if known else " It has none."
            raise WrongArgument("arg", f"{name[:60]}: is no parameter of this macro.{did_you_mean(name, known)}{has}")
    for name in wish.values:
        if known[name].secret:
            raise WrongArgument("arg", f"{name}: is secret. Give it as --secret {name}=…, so that it is shown nowhere.")
    values = {each.name: each.default for each in macro.parameters if each.default is not None}
    values |= dict(wish.values) | {name: str(each) for name, each in wish.secrets.items()}
    for each in macro.parameters:
        if each.name not in values:
            flag = "secret" if each.secret else "arg"
            kept = f" Or keep it here: `browser secret {each.name} …`." if each.secret else ""
            raise WrongArgument(flag, f"{each.name}: has no value. Give one: --{flag} {each.name}=…{kept}")
    return values


def expected(macro: Macro, recorded: Sequence[Mapping[str, Any]]) -> dict[int, Mapping[str, Any]]:
    """Give by line what was recorded of it, also where lines were added, removed or changed since."""
    steps = list(macro.every())
    matcher = SequenceMatcher(None, [each["line"] for each in recorded], [each.text for each in steps], autojunk=False)
    found: dict[int, Mapping[str, Any]] = {}
    for tag, from_, to, from_step, to_step in matcher.get_opcodes():
        for told, step in zip(recorded[from_:to], steps[from_step:to_step], strict=False):
            if tag == "equal" or told["line"].split(" ")[0] == step.text.split(" ")[0]:  # with other words by now
                found[step.line] = told
    return found


def _said(value: Any) -> str:
    """Say what a command answered, in a line."""
    if isinstance(value, dict) and "did" in value:
        return "; ".join([str(value["did"]), *value["changed"]])
    if isinstance(value, list):
        return f"{len(value)} rows"
    return "" if value is None else str(value)[:SHOWN_CHARS]


def _place(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}{parts.path}"


def _seconds(after: Any) -> float:
    return min(LONGEST_PAUSE_S, max(0.0, after)) if isinstance(after, int | float) else 0.0
