"""The shell: reads what was typed, works out words, runs stages, shows what comes out.

It knows the world, the screen and the memory by the protocols of `terminal.ports` alone. Nothing that can be typed
raises out of `run`: a refusal is printed with the line and a mark under the word that was wrong.
"""

import asyncio
import itertools
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from typing import Any

from objects.commands.registry import registry
from objects.commands.spec import CommandSpec
from objects.commands.suggest import did_you_mean
from teams.problems import BadRequest, Conflict, Fault, NoSuch, Problem, TooLarge
from terminal import arguments as reading
from terminal import contents, language, places
from terminal.builtins import Argument, Builtin, Stage
from terminal.builtins import builtins as all_builtins
from terminal.builtins.base import rest_of
from terminal.language import Block, Chain, Command, HereDocument, Pipeline, Rest, Script, Unfinished
from terminal.outcomes import CANCELLED, FAILED, MISUSED, OK, Complaint, Job, status_of
from terminal.ports import Keeper, Screen, World
from terminal.rendering import Style, show, visible
from terminal.shell import calls, words
from terminal.shell.refusals import complaint_of, refusal
from terminal.values import Flow, close, field_of, text_of

log = logging.getLogger("grove.terminal")

DEEPEST = 32  # scripts that run scripts: macros, `each`, `$( … )`
MOST_JOBS = 16

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
        """Give what stands before a line that is to be typed: "/shop/orders> ". The > is red after something failed."""
        style = self.style
        return style.paint(visible(self.path), "bold") + (">" if self.status == OK else style.paint(">", "red")) + " "

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
                    raise complaint_of(problem, command, self.text) from None
            try:
                await self.sink(flow)
            except Problem as problem:
                raise complaint_of(problem, pipeline.commands[-1], self.text) from None
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
                self.variables[assignment.name] = await words.value_of(self, assignment.value)
            if not command.words:
                stages.append(Stage(self, "", flow))
                return Flow()
            output: tuple[str, Argument] | None = None
            for each in command.redirections:
                if isinstance(each, HereDocument):
                    flow, is_first, self.piped = Flow(await words.text_of_word(self, each.body)), False, True
                elif each.operator == "<":
                    flow = await contents.read(self.world, self.path, (await words.one(self, each.target)).text)
                    is_first, self.piped = False, True
                else:
                    output = each.operator, await words.one(self, each.target)
            flow = await self._run(command, flow, stages, is_first=is_first, is_last=is_last)
        finally:
            if outer is not None:
                self.variables = outer
        if output is not None:
            operator, target = output
            try:
                await contents.write(self.world, self.path, target.text, flow, adds=operator == ">>")
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
        given = await words.expanded(self, command.words)
        if not given:
            stages.append(Stage(self, "", flow))
            return Flow()
        return await self.run_arguments(
            _asked_for_help(given), flow, stages, command.end, is_first=is_first, is_last=is_last
        )

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
            spec, _ = calls.matched(await self._commands(path), there)
            if spec is None and there[0].text in all_builtins:
                fork = self.fork(path=path, sink=self.sink)
                fork.piped, fork.unread = self.piped, self.unread
                return await fork.run_arguments(there, flow, stages, end, is_first=is_first, is_last=is_last)
            stages.append(Stage(self, there[0].text, flow, start=there[0].start))
            return await calls.call(self, path, there, flow, end)
        builtin = await self._builtin(given, is_first=is_first and flow.is_nothing)
        if builtin is None:
            stage = Stage(self, given[0].text, flow, given[1:], given[0].start)
            stages.append(stage)
            macro = await self._macro(given)
            if macro is None:
                return await calls.call(self, self.path, given, flow, end)
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
        own = commands.get(name)
        if spec is None and is_first and own is not None and (own.facility is None or own.in_front):
            spec = own
        return builtin if spec is None else None

    async def _macro(self, given: Sequence[Argument]) -> str | None:
        """Give the text of the macro that a word names, where no command has the name."""
        name = given[0].text
        if given[0].quoted or calls.matched(await self._commands(self.path), given)[0] is not None:
            return None
        return (await self.keeper.macros()).get(name)

    async def _commands(self, path: str) -> Mapping[str, CommandSpec]:
        return await self.world.commands(path)

    async def confirm(self, effect: str, word: str, *, name: str) -> None:
        """Ask a person to type a word before something dangerous; raises Conflict where something else is typed."""
        answer = await self.screen.ask(f"{visible(effect)} Type {visible(word)} to go on: ")
        if answer.strip() != word:
            raise Conflict(f"{name}: not confirmed, so nothing was changed. --yes says it beforehand, for scripts.")

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

    async def complain(self, complaint: Complaint, text: str) -> None:
        """Print a refusal of something in a text."""
        problem = complaint.problem
        start, end = complaint.start, complaint.end
        if start is None and isinstance(column := problem.extra.get("column"), int):
            start = column - 1
            end = start + 1
        await self.screen.write(refusal(problem, complaint.name, text, start, end, self.style))


def _asked_for_help(given: Sequence[Argument]) -> Sequence[Argument]:
    """Make `COMMAND --help` what it means: `help COMMAND`."""
    last = given[-1]
    if (
        len(given) > 1
        and not last.quoted
        and last.text.strip() == "--help"
        and all(each.value is None for each in given)
    ):
        return [Argument("help", given[0].start, given[0].end), *given[:-1]]
    return given


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
