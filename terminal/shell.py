"""The shell: reads what was typed, works out words, runs stages, shows what comes out.

It knows the world, the screen and the memory by the protocols of `terminal.ports` alone. Nothing that can be typed
raises out of `run`: a refusal is printed with the line and a mark under the word that was wrong.
"""

import asyncio
import itertools
import logging
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from typing import Any

from objects.commands.registry import CommandSpec, registry
from objects.commands.shapes import parsed
from objects.commands.suggest import did_you_mean
from teams.problems import BadRequest, Conflict, Fault, NeedsConfirmation, NoSuch, Problem, TooLarge, WrongArgument
from terminal import arguments as reading
from terminal import language, places
from terminal.builtins import Argument, Builtin, Stage
from terminal.builtins import builtins as all_builtins
from terminal.builtins.base import rest_of
from terminal.builtins.forms import csv_text
from terminal.language import (
    Block,
    Chain,
    Command,
    HereDocument,
    Pipeline,
    Raw,
    Rest,
    Script,
    Substitution,
    Text,
    Unfinished,
    Variable,
    Word,
    unparse,
)
from terminal.outcomes import CANCELLED, FAILED, MISUSED, OK, Complaint, Job, status_of
from terminal.ports import Keeper, Screen, World
from terminal.rendering import Style, columns_of, cut_to, show, visible, written
from terminal.values import Flow, close, field_of, json_of, text_of

log = logging.getLogger("grove.terminal")

DEEPEST = 32  # scripts that run scripts: macros, `each`, `$( … )`
MOST_ARGUMENTS = 20_000  # words of a command once its patterns are worked out
MOST_BRACES = 2_000  # words that {a,b}{c,d} makes of one
MOST_OPEN_BRACES = 64  # of a word; one with more is taken as it stands
MOST_JOBS = 16
LONGEST_SUBSTITUTION = 4_000_000  # characters that `$( … )` may put into a line

MISTAKE = "Grove made a mistake here; the log has the whole story. The session goes on."

Sink = Callable[[Flow], Awaitable[None]]


class Shell:
    """One person's shell at an object.

    path: where it is. variables: by name, JSON values. status: how the last line ended, 0 is well.
    jobs: what runs in the background, by number. parameters: `$1`, `$2`, … of the script that runs.
    text: of the script that runs. sink: what is done with what a pipeline gives. unread: generators to be closed.
    """

    def __init__(self, world: World, screen: Screen, keeper: Keeper, *, path: str = "/") -> None:
        self.world = world
        self.screen = screen
        self.keeper = keeper
        self.path = path
        self.old_path = path
        self.variables: dict[str, Any] = {}
        self.parameters: list[Any] = []
        self.status = OK
        self.jobs: dict[int, Job] = {}
        self.kind = ""  # of the object here, once it is known
        self.piped = False  # whether the stage that starts has one before it
        self.depth = 0
        self.is_background = False
        self.sink: Sink = self.show_flow
        self.text = ""
        self.unread: list[AsyncIterator[Any]] = []
        self._numbers = itertools.count(1)

    # ---- What sessions, completion and tests use ----

    @property
    def style(self) -> Style:
        """How the screen can show things now."""
        return Style.of(self.screen, datetime.now(UTC))

    def prompt(self) -> str:
        """Give what stands before a line that is to be typed: "/shop/orders> "."""
        return f"{visible(self.path)}> "

    def rules(self) -> Mapping[str, Rest | None]:
        """Tell which commands, as known here, take the rest of a line."""
        return _rules_of(self.kind)

    def parse(self, text: str, *, tolerant: bool = False) -> Script:
        """Read a text as this shell does; see `terminal.language.parse`."""
        return language.parse(text, self.rules(), tolerant=tolerant)

    def is_complete(self, text: str) -> bool:
        """Whether a text can be run as it is, or is wrong; False where more lines are to come."""
        try:
            self.parse(text)
        except Unfinished:
            return False
        except BadRequest:
            return True
        return True

    def kept_variables(self) -> dict[str, Any]:
        """Give the variables that come back with a session."""
        return dict(self.variables)

    async def run(self, text: str) -> int:
        """Run one complete input and give its exit status. Raises nothing but CancelledError, which is Ctrl-C."""
        try:
            return await self.source(text)
        except asyncio.CancelledError:
            self.status = CANCELLED
            raise
        except Complaint as complaint:  # too deep: there was no text yet to point into
            await self.complain(complaint, text)
            self.status = FAILED
        except Exception:
            log.exception("a line of a terminal failed")
            await self.complain(Complaint(Fault(MISTAKE)), text)
            self.status = FAILED
        return self.status

    async def source(self, text: str, parameters: Sequence[Any] = ()) -> int:
        """Run a text with `$1`, `$2`, … set to the parameters: a line, a macro, a startup file. Gives the status."""
        if self.depth >= DEEPEST:
            raise Complaint(Conflict(f"more than {DEEPEST} scripts run each other. Is there a circle of macros?"))
        kept = self.text, self.parameters
        self.depth += 1
        try:
            await self._know_kind()
            text = await self._with_aliases(text)
            self.text, self.parameters = text, list(parameters)
            self.status = await self.run_script(self.parse(text))
        except Problem as problem:
            await self.complain(Complaint(problem), text)
            self.status = MISUSED
        except Complaint as complaint:
            await self.complain(complaint, text)
            self.status = status_of(complaint.problem)
        finally:
            self.depth -= 1
            self.text, self.parameters = kept
        return self.status

    async def close(self) -> None:
        """End the jobs: the session is over."""
        tasks = [job.task for job in self.jobs.values() if not job.task.done()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self.jobs.clear()

    async def go_to(self, path: str) -> None:
        """Be at another object; raises NoSuch where there is none."""
        self.kind = await self.world.kind_of(path)
        if path != self.path:
            self.old_path, self.path = self.path, path

    def variable(self, name: str) -> Any:
        """Give the value of a variable; raises NoSuch."""
        first, _, rest = name.partition(".")
        if first == "?":
            return self.status
        if first == "@":
            return list(self.parameters)
        if first == "#":
            return len(self.parameters)
        if first.isdecimal():
            if not 1 <= int(first) <= len(self.parameters):
                raise NoSuch(f"${first}: {len(self.parameters)} parameters were given.")
            found = self.parameters[int(first) - 1]
        elif first in self.variables:
            found = self.variables[first]
        else:
            raise NoSuch(f"no variable '{first[:60]}'.{did_you_mean(first, self.variables)} `{first[:20]}=…` makes it.")
        if not rest:
            return found
        missing = object()
        inner = field_of(found, rest, missing)
        if inner is missing:
            raise NoSuch(f"${{{name[:60]}}}: there is no '{rest[:60]}' in it.")
        return inner

    def fork(self, *, path: str | None = None, screen: Screen | None = None, sink: Sink | None = None) -> "Shell":
        """Make a shell that is where this one is and knows what it knows; what it changes stays its own."""
        made = Shell(self.world, screen or self.screen, self.keeper, path=path or self.path)
        made.old_path = self.old_path
        made.variables = dict(self.variables)
        made.parameters = list(self.parameters)
        made.status = self.status
        made.kind = self.kind if path is None else ""
        made.depth = self.depth + 1
        made.is_background = self.is_background
        made.text = self.text
        if sink is not None:
            made.sink = sink
        return made

    async def gathered(self, script: Script) -> tuple[Flow, int]:
        """Run a script in a fork and give what it would have shown, as one Flow, and its status."""
        if self.depth >= DEEPEST:
            raise Complaint(Conflict(f"more than {DEEPEST} scripts run each other. Is there a circle?"))
        found: list[Any] = []
        shapes: list[Any] = []

        async def keep(flow: Flow) -> None:
            if not flow.is_nothing:
                shapes.append(flow.shape if flow.items is None else None)
                found.append(flow.value if flow.is_file or flow.items is None else await flow.whole())

        fork = self.fork(sink=keep)
        status = await fork.run_script(script)
        if len(found) == 1:
            return Flow(found[0], shapes[0]), status
        texts = [text_of(await each.text() if (each := Flow(value)).is_file else value) for value in found]
        return Flow("".join(text if text.endswith("\n") else text + "\n" for text in texts) if found else None), status

    # ---- Scripts ----

    async def _know_kind(self) -> None:
        if not self.kind:
            with suppress(Problem):
                self.kind = await self.world.kind_of(self.path)

    async def _with_aliases(self, text: str) -> str:
        """Put the text of aliases in place of the first words that name them; an alias is not looked for in itself."""
        aliases = await self.keeper.aliases()
        if not aliases:
            return text
        used: set[str] = set()
        for _ in range(DEEPEST):
            tree = language.parse(text, tolerant=True)
            found = [
                word for command in language.commands_of(tree) for word in command.words[:1]
                if word.bare in aliases and word.bare not in used
            ]  # fmt: skip
            if not found:
                break
            names = {word.bare for word in found}
            for word in reversed(found):
                text = text[: word.start] + aliases[word.bare] + text[word.end :]
            used |= names
        return text

    async def run_script(self, script: Script) -> int:
        """Run a script that was read from `text`; gives the status. Complaints of its chains are printed."""
        for chain in script.chains:
            if chain.background:
                await self._start_job(chain)
                self.status = OK
            else:
                await self.run_chain(chain)
        return self.status

    async def run_chain(self, chain: Chain) -> None:
        """Run pipelines between && and ||; sets the status."""
        for number, pipeline in enumerate(chain.pipelines):
            if number:
                wants_success = chain.operators[number - 1] == "&&"
                if wants_success != (self.status == OK):
                    continue
            try:
                self.status = await self._pipeline(pipeline)
            except Complaint as complaint:
                await self.complain(complaint, self.text)
                self.status = status_of(complaint.problem)

    async def _pipeline(self, pipeline: Pipeline) -> int:
        outer, self.unread = self.unread, []
        stages: list[Stage] = []
        try:
            flow: Flow = Flow()
            for number, command in enumerate(pipeline.commands):
                try:
                    self.piped = number > 0
                    flow = await self._command(
                        command, flow, stages, is_first=number == 0, is_last=number == len(pipeline.commands) - 1
                    )
                except Problem as problem:
                    raise self._complaint(problem, command) from None
            try:
                await self.sink(flow)
            except Problem as problem:
                raise self._complaint(problem, pipeline.commands[-1]) from None
            return stages[-1].status if stages else OK
        except RecursionError:
            raise Complaint(TooLarge("the values are nested too deeply to be worked with.")) from None
        except (asyncio.CancelledError, Complaint):
            raise
        except Exception:
            log.exception("a line of a terminal failed")
            raise Complaint(Fault(MISTAKE)) from None
        finally:
            made, self.unread = self.unread, outer
            for items in reversed(made):
                with suppress(Exception, asyncio.CancelledError):
                    await close(items)

    async def show_flow(self, flow: Flow) -> None:
        """Show a flow on the screen."""
        await show(flow, self.screen, self.style)

    # ---- One stage ----

    async def _command(
        self, command: Command, flow: Flow, stages: list[Stage], *, is_first: bool, is_last: bool
    ) -> Flow:
        outer = dict(self.variables) if command.words and command.assignments else None
        try:
            for assignment in command.assignments:
                self.variables[assignment.name] = await self._value(assignment.value)
            if not command.words:
                stages.append(Stage(self, "", flow))
                return Flow()
            output: tuple[str, Argument] | None = None
            for each in command.redirections:
                if isinstance(each, HereDocument):
                    flow, is_first, self.piped = Flow(await self._text_of(each.body)), False, True
                elif each.operator == "<":
                    flow = await self.read_place((await self._one(each.target)).text)
                    is_first, self.piped = False, True
                else:
                    output = each.operator, await self._one(each.target)
            flow = await self._run(command, flow, stages, is_first=is_first, is_last=is_last)
        finally:
            if outer is not None:
                self.variables = outer
        if output is not None:
            operator, target = output
            try:
                await self.write_place(target.text, flow, adds=operator == ">>")
            except Problem as problem:
                problem.extra.setdefault("column", target.start + 1)
                raise
            return Flow()
        return flow

    async def _run(self, command: Command, flow: Flow, stages: list[Stage], *, is_first: bool, is_last: bool) -> Flow:
        first = command.words[0]
        if len(first.parts) == 1 and isinstance(first.parts[0], Block) and len(command.words) == 1:
            stage = Stage(self, "{", flow)
            stages.append(stage)
            made, stage.status = await self.gathered(first.parts[0].script)
            return made
        given = await self.expanded(command.words)
        if not given:
            stages.append(Stage(self, "", flow))
            return Flow()
        return await self.run_arguments(given, flow, stages, command.end, is_first=is_first, is_last=is_last)

    async def run_arguments(
        self,
        given: Sequence[Argument],
        flow: Flow,
        stages: list[Stage],
        end: int,
        *,
        is_first: bool = True,
        is_last: bool = True,
    ) -> Flow:
        """Run a command from its words: a builtin, or a command of the object here or named by `@path` or `on path`."""
        path, used = await self._addressed(given)
        if path is not None:
            if len(given) == used:
                raise BadRequest(
                    f"{given[0].text[:60]}: needs a command after it: `@/path state list`.", column=end + 1
                )
            there = given[used:]
            spec, _ = _matched(await self._commands(path), there)
            if spec is None and there[0].text in all_builtins:
                fork = self.fork(path=path, sink=self.sink)
                fork.piped, fork.unread = self.piped, self.unread
                return await fork.run_arguments(there, flow, stages, end, is_first=is_first, is_last=is_last)
            stages.append(Stage(self, there[0].text, flow, start=there[0].start))
            return await self._call(path, there, flow, end)
        builtin = await self._builtin(given, is_first=is_first and flow.is_nothing)
        if builtin is None:
            stage = Stage(self, given[0].text, flow, given[1:], given[0].start)
            stages.append(stage)
            macro = await self._macro(given)
            if macro is None:
                return await self._call(self.path, given, flow, end)
            stage.status = await self.source(macro, [each.text for each in given[1:]])
            return Flow()
        stage = Stage(self, builtin.name, flow, given[1:], given[0].start, is_last)
        stages.append(stage)
        return await self.run_builtin(builtin, stage, end)

    async def run_builtin(self, builtin: Builtin, stage: Stage, end: int) -> Flow:
        """Run a builtin on a stage, and give what comes out of it as a Flow."""
        if builtin.own:
            made = await builtin.run(stage)
        else:
            given = reading.spelled_out(builtin, stage.arguments)
            stage.arguments = given
            texts, at = reading.read(builtin.spec, given, end)
            values = reading.checked(builtin.spec, texts, at, end)
            made = await builtin.spec.run(stage, values)
        if isinstance(made, Flow):
            if made.items is not None and hasattr(made.items, "aclose"):
                self.unread.append(made.items)
            return made
        return Flow(made)

    async def _addressed(self, given: Sequence[Argument]) -> tuple[str | None, int]:
        """Read `@path` or `on path` before a command; gives the path and how many words they took."""
        first = given[0]
        if first.quoted:
            return None, 0
        if first.text.startswith("@"):
            typed, used = first.text[1:] or ".", 1
        elif first.text == "on":
            if len(given) == 1:
                raise BadRequest("on: name an object and a command: `on /path state list`.", column=first.end + 1)
            typed, used = given[1].text, 2
        else:
            return None, 0
        try:
            return await places.object_at(self.world, self.path, typed), used
        except Problem as problem:
            problem.extra["column"] = given[used - 1].start + 1
            raise

    async def _builtin(self, given: Sequence[Argument], *, is_first: bool) -> Builtin | None:
        """Find the builtin that words name. An object's command of the same name comes first where nothing is piped."""
        builtin = all_builtins.get(given[0].text) if given[0].value is None else None
        if builtin is None or builtin.always:
            return builtin
        commands = await self._commands(self.path)
        name = given[0].text
        spec = commands.get(f"{name}.{given[1].text}") if len(given) > 1 and not given[1].quoted else None
        if spec is None and is_first and name in commands and commands[name].facility is None:
            spec = commands[name]
        return builtin if spec is None else None

    async def _macro(self, given: Sequence[Argument]) -> str | None:
        """Give the text of the macro that a word names, where no command has the name."""
        name = given[0].text
        if given[0].quoted or _matched(await self._commands(self.path), given)[0] is not None:
            return None
        return (await self.keeper.macros()).get(name)

    async def _commands(self, path: str) -> Mapping[str, CommandSpec]:
        return await self.world.commands(path)

    # ---- Commands of objects ----

    async def _call(self, path: str, given: Sequence[Argument], flow: Flow, end: int) -> Flow:
        commands = await self._commands(path)
        spec, used = _matched(commands, given)
        if spec is None:
            raise self._unknown(commands, given)
        words = list(given[used:])
        confirmed = False
        if spec.verb == "dangerous" and "yes" not in spec.by_name:
            kept = [each for each in words if each.quoted or each.text not in ("--yes", "-y")]
            confirmed, words = len(kept) < len(words), kept
        texts, at = reading.read(spec, words, end)
        await self._fill(spec, texts, flow)
        try:
            answer = await self._confirmed(path, spec, texts, confirmed=confirmed)
        except WrongArgument as problem:
            problem.extra["column"] = at.get(problem.field or "", end) + 1
            problem.extra["name"] = spec.words
            raise
        except Problem as problem:
            problem.extra.setdefault("column", at.get(problem.field or "", given[0].start) + 1)
            problem.extra["name"] = spec.words
            raise
        if spec.streams and not self.is_background:
            topic = spec.topic_of(reading.checked(spec, texts, at, end))
            items = self._followed(path, topic, answer.value)
            self.unread.append(items)
            return Flow(items=items, live=True)
        return Flow(answer.value, spec.result_shape)

    async def _followed(self, path: str, topic: str, value: Any) -> AsyncIterator[Any]:
        yield value
        events = self.world.events(path, topic)
        try:
            async for event in events:
                yield event
        finally:
            await close(events)

    async def _confirmed(self, path: str, spec: CommandSpec, texts: dict[str, Any], *, confirmed: bool) -> Any:
        try:
            return await self.world.call(path, spec.name, texts, text=True, confirmed=confirmed)
        except NeedsConfirmation as problem:
            if self.is_background:
                raise
            await self.confirm(problem.detail, "yes", name=spec.words)
        return await self.world.call(path, spec.name, texts, text=True, confirmed=True)

    async def confirm(self, effect: str, word: str, *, name: str) -> None:
        """Ask a person to type a word before something dangerous; raises Conflict where something else is typed."""
        answer = await self.screen.ask(f"{visible(effect)} Type {visible(word)} to go on: ")
        if answer.strip() != word:
            raise Conflict(f"{name}: not confirmed, so nothing was changed. --yes says it beforehand, for scripts.")

    async def _fill(self, spec: CommandSpec, texts: dict[str, Any], flow: Flow) -> None:
        """Give what comes through the pipe to the last argument that is missing; ask for a secret that is."""
        missing = [each for each in spec.parameters if each.required and not each.flag and each.name not in texts]
        if not flow.is_nothing:
            target = missing[-1] if missing else next(
                (each for each in spec.parameters if each.variadic and each.name not in texts), None
            )  # fmt: skip
            if target is None:
                raise BadRequest(
                    f"{spec.words}: all its arguments are given, so what the pipe brings has no place. Leave one out."
                )
            if spec.uploads == target.name:
                content = await flow.content()
                try:
                    texts[target.name] = content.decode()
                except UnicodeDecodeError:
                    texts[target.name] = {"base64": _base64(content)}
            elif target.variadic:
                texts[target.name] = [text_of(each) async for each in flow.each()]
            elif flow.is_file or (flow.items is None and isinstance(flow.value, str)) or target.rest:
                texts[target.name] = await flow.text()
            else:
                texts[target.name] = json_of(await flow.whole())
        for each in missing:
            if each.shape.masks and each.name != spec.uploads and each.name not in texts and not self.is_background:
                texts[each.name] = await self.screen.ask(f"{each.name}: ", secret=True)

    def _unknown(self, commands: Mapping[str, CommandSpec], given: Sequence[Argument]) -> Problem:
        name = given[0].text
        below = [spec.words for each, spec in commands.items() if each.startswith(name + ".")] if name else []
        if below and len(given) > 1:
            typed = f"{name} {given[1].text}"
            return NoSuch(
                f"no command '{typed[:60]}'.{did_you_mean(typed, below)} {name} has: "
                + ", ".join(words.partition(" ")[2] for words in below) + ".",
                column=given[1].start + 1, name="", no_command=True,
            )  # fmt: skip
        if below:
            listed = ", ".join(words.partition(" ")[2] for words in below)
            return NoSuch(
                f"{name}: what of it? {name} has: {listed}.", column=given[0].start + 1, name="", no_command=True
            )
        near = did_you_mean(name, [*all_builtins, *(spec.words for spec in commands.values())])
        return NoSuch(
            f"no command '{visible(name[:60])}'.{near} `help` lists them.",
            column=given[0].start + 1, name="", no_command=True,
        )  # fmt: skip

    # ---- Places as files ----

    async def read_place(self, text: str) -> Flow:
        """Give what is at a place: the content of a file, the value of a key, the rows of a table."""
        place = await places.find(self.world, self.path, text)
        if place.room == "files" and place.name:
            answer = await self.world.call(place.path, "files.get", {"name": place.name})
            return Flow(answer.value, answer.spec.result_shape)
        if place.room == "state" and place.name:
            answer = await self.world.call(place.path, "state.get", {"key": place.name})
            return Flow(answer.value, answer.spec.result_shape)
        if place.room == "state":
            return Flow({item["key"]: item["value"] async for item in places.keys(self.world, place.path)})
        if place.room == "db" and place.name:
            quoted = '"' + place.name.replace('"', '""') + '"'
            query = f"SELECT * FROM {quoted}"  # noqa: S608 -- quoted, and `sql query` only reads
            answer = await self.world.call(place.path, "sql.query", {"query": query})
            return Flow(answer.value, answer.spec.result_shape)
        what = "an object" if not place.room else "a folder"
        raise Conflict(f"{visible(text[:60])}: this is {what}. `ls {visible(text[:60])}` shows what is in it.")

    async def write_place(self, text: str, flow: Flow, *, adds: bool = False) -> int:
        """Put a flow into a file, or a key of the state; gives the bytes written. The name tells the form.

        .json and .jsonl: as JSON; .csv and .tsv: as a table; anything else: a file as it is, the rest as text.
        """
        place = await places.find(self.world, self.path, text)
        if place.room == "state" and place.name:
            value = await flow.whole()
            await self.world.call(place.path, "state.set", {"key": place.name, "value": value})
            return len(json_of(value))
        if place.room != "files" or not place.name or place.name.endswith("/"):
            raise Conflict(f"{visible(text[:60])}: nothing can be written there. Name a file, such as report.csv.")
        if "/" in place.name and "files" not in text.split("/"):
            # A slip in the name of an object would make a folder, in silence.
            above = text.rpartition("/")[0] or "/"
            raise NoSuch(
                f"{visible(above[:60])}: no such object. A file in a folder is named with its room: "
                f"files/{visible(place.name[:60])}."
            )
        content = await written_as(flow, place.name)
        if adds:
            try:
                before = await self.world.call(place.path, "files.get", {"name": place.name})
            except NoSuch:
                pass
            else:
                content = before.value.read() + content
        await self.world.call(place.path, "files.put", {"name": place.name, "content": {"base64": _base64(content)}})
        return len(content)

    # ---- Words ----

    async def expanded(self, words: Sequence[Word]) -> list[Argument]:
        """Work out variables, `$( … )`, braces and patterns. Raises Problem with `column`."""
        found: list[Argument] = []
        for word in words:
            found += await self._expanded(word)
            if len(found) > MOST_ARGUMENTS:
                raise TooLarge(
                    f"the words come to more than {MOST_ARGUMENTS:,}. Make the pattern narrower, or use a pipe.",
                    column=word.start + 1,
                )
        return found

    async def _expanded(self, word: Word) -> list[Argument]:
        start, end = word.start, word.end
        if len(word.parts) == 1:
            part = word.parts[0]
            if isinstance(part, Raw):
                return [Argument(part.text, start, end, raw=True)]
            if isinstance(part, Block):
                text = self.text[part.start : part.end]
                return [Argument(text or "{ " + unparse(part.script) + " }", start, end, script=part.script)]
            if isinstance(part, Text) and part.quoted:
                return [Argument(part.text, start, end, quoted=True)]
            if isinstance(part, Variable | Substitution) and not part.quoted:
                value = await self._part(part)
                if isinstance(part, Substitution) and isinstance(value, str):
                    value = value.split("\n") if value else []
                several = value if isinstance(value, list) else [] if value is None else [value]
                return [
                    Argument(text_of(each), start, end, value=each, quoted=isinstance(each, str)) for each in several
                ]
        return await self._patterns(word)

    async def _patterns(self, word: Word) -> list[Argument]:
        """Work out a word of several parts, or with braces or patterns in it."""
        start, end = word.start, word.end
        pieces: list[places.Piece] = []
        for part in word.parts:
            if isinstance(part, Text):
                pieces.append((part.text, part.quoted))
            else:
                value = await self._part(part)
                text = " ".join(map(text_of, value)) if isinstance(value, list) else text_of(value)
                pieces.append((text, True))
        starts_quoted = bool(pieces) and pieces[0][1]
        found: list[Argument] = []
        for each in braces(pieces, start):
            text = "".join(part for part, _ in each)
            matched: list[str] = []
            if places.is_pattern(each):
                try:
                    matched = await places.matching(self.world, self.path, each)
                except TooLarge as problem:
                    problem.extra["column"] = start + 1
                    raise
                except Problem:  # what the pattern begins with is no path, so it is a word like any other
                    matched = []
            found += [Argument(path, start, end, quoted=path.startswith("-")) for path in matched] or [
                Argument(text, start, end, quoted=starts_quoted)
            ]
        return found

    async def _part(self, part: Any) -> Any:
        try:
            if isinstance(part, Variable):
                return self.variable(part.name)
            if isinstance(part, Substitution):
                flow, self.status = await self.gathered(part.script)
                if flow.is_file:
                    return await flow.text()
                value = await flow.whole()
                if isinstance(value, str) and len(value) > LONGEST_SUBSTITUTION:
                    raise TooLarge(f"$( … ) gave more than {LONGEST_SUBSTITUTION:,} characters. Use a pipe.")
                return value.removesuffix("\n") if isinstance(value, str) else value
            if isinstance(part, Block):
                return "{ " + unparse(part.script) + " }"
        except Problem as problem:
            problem.extra.setdefault("column", part.start + 1)
            raise
        return part.text

    async def _value(self, word: Word) -> Any:
        """Give the value of an assignment: whole where it is one variable or `$( … )`, JSON where it reads as such."""
        if not word.parts:
            return ""
        if len(word.parts) == 1 and isinstance(part := word.parts[0], Variable | Substitution) and not part.quoted:
            return await self._part(part)
        text = await self._text_of(word)
        part = word.parts[0]
        if (
            len(word.parts) == 1
            and isinstance(part, Text)
            and (not part.quoted or self.text[part.start : part.start + 1] in ("{", "["))
        ):
            return parsed(text, text)
        return text

    async def _text_of(self, word: Word) -> str:
        texts = []
        for part in word.parts:
            value = await self._part(part)
            texts.append(" ".join(map(text_of, value)) if isinstance(value, list) else text_of(value))
        return "".join(texts)

    async def _one(self, word: Word) -> Argument:
        found = await self._expanded(word)
        if len(found) != 1:
            raise BadRequest(f"one name is needed here; these are {len(found)}.", column=word.start + 1)
        return found[0]

    # ---- Jobs ----

    async def _start_job(self, chain: Chain) -> None:
        self.jobs = {number: job for number, job in self.jobs.items() if not job.task.done()}
        if len(self.jobs) >= MOST_JOBS:
            raise Complaint(
                Conflict(f"{MOST_JOBS} jobs run already, which is the most. `wait` for one, or `kill` it."),
                "&",
                chain.start,
                chain.end,
            )
        number = next(number for number in itertools.count(1) if number not in self.jobs)
        text = self.text[chain.start : chain.end].strip().removesuffix("&").strip()
        fork = self.fork(sink=self.sink)
        fork.is_background = True
        fork.sink = fork.show_flow if self.sink == self.show_flow else self.sink
        quiet = Chain(chain.pipelines, chain.operators, background=False, start=chain.start, end=chain.end)
        task = asyncio.create_task(self._job(fork, number, text, quiet))
        self.jobs[number] = Job(number, text, task)
        await self.screen.write(f"[{number}] {visible(text)}\n")

    async def _job(self, fork: "Shell", number: int, text: str, chain: Chain) -> int:
        try:
            await fork.run_chain(chain)
        except Complaint as complaint:
            await fork.complain(complaint, fork.text)
            fork.status = FAILED
        how = "done" if fork.status == OK else f"failed, status {fork.status}"
        await self.screen.write(f"[{number}] {how}: {visible(text)}\n")
        return fork.status

    # ---- Refusals ----

    def _complaint(self, problem: Problem, command: Command) -> Complaint:
        """Find the word that a problem is about."""
        name = problem.extra.pop("name", command.name)
        column = problem.extra.get("column")
        if not isinstance(column, int) or column > len(self.text) + 1:
            return Complaint(problem, name)
        start = column - 1
        end = start + 1
        for word in language.words_of(command):
            if word.start <= start < max(word.end, word.start + 1):
                start, end = (
                    (start, word.end)
                    if isinstance(problem, BadRequest) and start > word.start
                    else (word.start, word.end)
                )
                break
        return Complaint(problem, name, start, end)

    async def complain(self, complaint: Complaint, text: str) -> None:
        """Print a refusal of something in a text."""
        problem = complaint.problem
        start, end = complaint.start, complaint.end
        if start is None and isinstance(column := problem.extra.get("column"), int):
            start = column - 1
            end = start + 1
        await self.screen.write(refusal(problem, complaint.name, text, start, end, self.style))


def refusal(problem: Problem, name: str, text: str, start: int | None, end: int | None, style: Style) -> str:
    """Write a refusal for people: who refused, what was wrong, and the line with a mark under the word.

    start, end: the word in the text, from 0; None where there is none to point at.
    """
    detail = visible(problem.detail, lines=True)
    front = f"{visible(name)}: " if name and not detail.startswith((f"{name}:", f"{name} ")) else ""
    if (
        isinstance(problem, WrongArgument)
        and problem.field
        and not detail.startswith(f"{problem.field}:")
        and len(problem.field) > 1
    ):
        front += f"{visible(problem.field)}: "
    lines = [style.paint(front + detail, "red")]
    lines += [
        f"  {visible(str(field_name))}: {visible(str(message))}"
        for field_name, message in (problem.extra.get("fields") or {}).items()
        if field_name != problem.field
    ]
    if start is not None and text.strip():
        start = min(start, len(text))
        line_start = text.rfind("\n", 0, start) + 1
        line_end = text.find("\n", start)
        line = text[line_start : len(text) if line_end < 0 else line_end]
        at = start - line_start
        length = max(1, min((end or start + 1) - start, len(line) - at))
        if style.plain:
            lines.append(f"column {at + 1}: {visible(line[at : at + length])}")
        else:
            lines += _marked(line, at, length, style)
    return "\n".join(lines) + "\n"


def _marked(line: str, at: int, length: int, style: Style) -> list[str]:
    """Give the line, cut to what fits around the word, and the marks under it."""
    room = style.width - 4
    first = max(0, at - room // 2) if columns_of(visible(line)) > room else 0
    before, word = visible(line[first:at]), visible(line[at : at + length])
    after = visible(line[at + length : at + length + room])
    shown = cut_to(("…" if first else "") + before + word + after, room)
    marks = max(1, min(columns_of(word), room - columns_of(before) - bool(first)))
    return ["  " + shown, "  " + " " * (columns_of(before) + bool(first)) + style.paint("^" * marks, "red")]


def _matched(commands: Mapping[str, CommandSpec], given: Sequence[Argument]) -> tuple[CommandSpec | None, int]:
    for count in range(min(3, len(given)), 0, -1):
        if any(each.raw for each in given[:count]) or any(each.quoted for each in given[1:count]):
            continue
        spec = commands.get(".".join(each.text for each in given[:count]))
        if spec is not None:
            return spec, count
    return None, 0


def _base64(content: bytes) -> str:
    return b64encode(content).decode()


@cache
def _rules_of(kind: str) -> Mapping[str, Rest | None]:
    """Give the rules of the builtins and of every command of every kind; where they differ, this kind's hold.

    So a line that goes to another object and runs a command there is read right before it goes.
    """
    found: dict[str, Rest | None] = {name: each.rest for name, each in all_builtins.items()}
    for name in [*(each for each in registry.kinds if each != kind), *([kind] if kind in registry.kinds else [])]:
        for spec in registry.commands(name).values():
            if spec.words not in found or found[spec.words] is None or name == kind:
                found[spec.words] = rest_of(spec)
    return found


def braces(pieces: Sequence[places.Piece], start: int) -> list[list[places.Piece]]:
    """Make `a{b,c}` into ab and ac; braces without a comma stay. Raises TooLarge."""
    opened = sum(text.count("{") for text, is_quoted in pieces if not is_quoted)
    if not 0 < opened <= MOST_OPEN_BRACES:
        return [list(pieces)]
    found: list[Cells] = [[]]
    cells = [(char, is_quoted) for text, is_quoted in pieces for char in text]
    for options in _options(cells):
        found = [before + option for before in found for option in options]
        if len(found) > MOST_BRACES:
            raise TooLarge(f"the braces make more than {MOST_BRACES:,} words. Use fewer.", column=start + 1)
    return [_joined(each) for each in found]


Cells = list[tuple[str, bool]]


def _options(cells: Cells) -> list[list[Cells]]:
    """Part cells into runs, each with what it may be: itself, or the words between braces."""
    runs: list[list[Cells]] = []
    at = 0
    plain: Cells = []
    while at < len(cells):
        closing = _closing(cells, at) if cells[at] == ("{", False) else None
        if closing is None:
            plain.append(cells[at])
            at += 1
            continue
        if plain:
            runs.append([plain])
            plain = []
        inner: list[Cells] = []
        part: Cells = []
        depth = 0
        for cell in cells[at + 1 : closing]:
            depth += (cell == ("{", False)) - (cell == ("}", False))
            if cell == (",", False) and depth == 0:
                inner.append(part)
                part = []
            else:
                part.append(cell)
        inner.append(part)
        runs.append([each for option in inner for each in _all_of(option)])
        at = closing + 1
    if plain:
        runs.append([plain])
    return runs


def _all_of(cells: Cells) -> list[Cells]:
    found: list[Cells] = [[]]
    for options in _options(cells):
        found = [before + option for before in found for option in options][: MOST_BRACES + 1]
    return found


def _closing(cells: Cells, at: int) -> int | None:
    """Find the brace that closes; None where none does or there is no comma between them."""
    depth, has_comma = 0, False
    for number in range(at, len(cells)):
        cell = cells[number]
        if cell == ("{", False):
            depth += 1
        elif cell == ("}", False):
            depth -= 1
            if depth == 0:
                return number if has_comma else None
        elif cell == (",", False) and depth == 1:
            has_comma = True
    return None


def _joined(cells: Cells) -> list[places.Piece]:
    pieces: list[places.Piece] = []
    for char, is_quoted in cells:
        if pieces and pieces[-1][1] == is_quoted:
            pieces[-1] = (pieces[-1][0] + char, is_quoted)
        else:
            pieces.append((char, is_quoted))
    return pieces


async def written_as(flow: Flow, name: str) -> bytes:
    """Give a flow as the bytes of a file whose name tells the form; see `Shell.write_place`."""
    form = name.rsplit(".", 1)[-1].lower() if "." in name else ""
    is_text = flow.is_file or (flow.items is None and isinstance(flow.value, str))
    if form == "json" and not is_text:
        return (json_of(await flow.whole(), indent=2) + "\n").encode(errors="replace")
    if form in ("jsonl", "ndjson") and not is_text:
        return "".join([json_of(each) + "\n" async for each in flow.each()]).encode(errors="replace")
    if form in ("csv", "tsv") and not is_text:
        return (await csv_text(flow, "\t" if form == "tsv" else ",")).encode(errors="replace")
    if is_text:
        content = await flow.content()
        return content if flow.is_file or content.endswith(b"\n") or not content else content + b"\n"
    flow.view = None
    texts = [text async for text in written(flow, Style(width=10_000))]
    return "".join(texts).encode(errors="replace")
