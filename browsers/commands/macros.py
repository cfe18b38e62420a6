"""Macros: listed, shown, written, forgotten, played."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal

from browsers.commands.base import Part
from browsers.macros import language, playwright
from browsers.macros.playing import Played, Player, Wish
from browsers.macros.secrets import Secrets
from browsers.macros.store import Kept, Macros, Play
from objects.sdk import (
    AtLeast,
    Between,
    Conflict,
    Help,
    Json,
    Length,
    Moment,
    Name,
    Picture,
    Problem,
    RestOfLine,
    Seconds,
    Secret,
    SqlLimits,
    Task,
    WrongArgument,
    command,
)

LONGEST_S: Final = 3_600.0
PLAYS: Final = Task(seconds=LONGEST_S, place="browser", repeatable=False)
MacroName = Annotated[Name, Help("of the macro")]


@dataclass(frozen=True, slots=True)
class MacroLine:
    """A macro in a list. last, outcome: when it was played last, and how that went; "" where it never was."""

    name: str
    steps: int
    parameters: list[str]
    last: Moment | None
    outcome: str
    changed_at: Moment
    by: str


@dataclass(frozen=True, slots=True)
class RecordedNow:
    """The macro that is recorded."""

    name: str
    steps: int


@dataclass(frozen=True, slots=True)
class ParameterLine:
    """A parameter. default: null where a value has to be given. kept: a secret that is kept here, and need not be."""

    name: str
    default: str | None
    secret: bool
    kept: bool


@dataclass(frozen=True, slots=True)
class RecordedStep:
    """What a line answered while it was recorded; after: seconds since the one before."""

    line: str
    url: str
    title: str
    did: str
    after: float


@dataclass(frozen=True, slots=True)
class MacroText:
    """A macro. problem: why it cannot be played as it is. next: the number of the next play of any macro here."""

    name: str
    text: str
    parameters: list[ParameterLine]
    rows: bool  # whether rows have to be given to it
    recorded: list[RecordedStep]
    problem: str
    next: int
    changed_at: Moment
    by: str

    @staticmethod
    def as_text(macro: Mapping[str, Any], width: int) -> str:  # noqa: ARG004 -- what every record that does this takes
        """Give the text itself, and what is wrong with it."""
        wrong = f"\n# It cannot be played: {macro['problem']}" if macro["problem"] else ""
        return str(macro["text"]).strip("\n") + wrong


@dataclass(frozen=True, slots=True)
class PlayLine:
    """How a macro was played. line: at which it failed, or differs from the recording. arguments: without secrets."""

    run: int
    began_at: Moment
    took: Seconds
    outcome: str
    line: int | None
    problem: str
    by: str
    arguments: dict[str, str]
    steps: list[Json]
    picture: Picture


class Scripting(Part):
    """Keeps macros and plays them."""

    @command(reads=True)
    def macros(self) -> list[MacroLine]:
        """List the macros: what is done to the browser again and again, as texts of commands.

        > browser compose visit "open http://example.com/"
        …
        > browser macros
        name   steps  parameters  last  outcome  changed_at            by
        visit      1                             2026-05-17T09:30:00Z  …
        """
        macros = Macros(self.context.db)
        return [_line(each, macros) for each in macros.all()]

    @command(reads=True)
    def recorded(self) -> RecordedNow:
        """Tell which macro is recorded now, and how many steps it has; an empty name where none is.

        > browser record macro tour
        …
        > browser recorded
        name tour  steps 0
        """
        return RecordedNow(*Macros(self.context.db).recording())

    @command(reads=True)
    def show(self, name: MacroName) -> MacroText:
        """Show a macro: its text, its parameters, and what its lines answered while it was recorded.

        > browser compose visit "open http://example.com/"
        …
        > browser show visit
        open http://example.com/
        """
        macros = Macros(self.context.db)
        kept = macros.find(name)
        try:
            macro, problem = language.read(kept.text), ""
        except WrongArgument as wrong:  # it came with a file from elsewhere, or a command is another by now
            macro, problem = language.Macro([], [], 0), wrong.detail
        secrets = {each.name for each in Secrets(self.context).all() if each.is_ours}
        return MacroText(
            kept.name,
            kept.text,
            [
                ParameterLine(each.name, each.default, each.secret, each.secret and each.name in secrets)
                for each in macro.parameters
            ],
            macro.takes_rows,
            [_recorded(each) for each in kept.recorded],
            problem,
            macros.next_number(),
            _moment(kept.changed_at),
            kept.by,
        )

    @command
    def compose(
        self, name: MacroName, text: Annotated[RestOfLine, Length(1, language.TEXT_CHARS), Help("a command a line")]
    ) -> MacroLine:
        """Write a macro; one of the same name is changed, and what was recorded of it stays.

        Each line is a command of the browser, as it is typed in a terminal: `open http://demo.localhost/shop`,
        `fill Name {user}`, `click "Sign in"`. At the top `param user = ann` is a parameter with a default and
        `secret password` one that is shown nowhere (`browser secret` keeps it); {user} stands for its value, {{user}}
        for the text itself.
        `each sql select name from plant`, `each file plants.csv` or `each rows` does what follows for each row, up to
        `end`; {name} is then the row's. `keep table #plants into plant` adds rows of the page to a table of the
        object, with the number of the play and the moment. `expect` ends the play where something is not so.

        > browser compose visit "open http://example.com/"
        …
        """
        language.read(text)
        macros = Macros(self.context.db)
        recorded = macros.find(name).recorded if macros.has(name) else []
        kept = Kept(name, text.rstrip() + "\n", recorded, self.context.now, self.context.caller.name)
        macros.put(kept, self.context.limits.BROWSER_MACROS)
        return _line(kept, macros)

    @command
    def forget(self, *names: MacroName) -> int:
        """Forget macros, with how they were played; all of them or none. Tells how many.

        > browser compose visit "open http://example.com/"
        …
        > browser forget visit
        1
        """
        if not names:
            raise WrongArgument("names", "Name at least one macro.")
        macros = Macros(self.context.db)
        for name in dict.fromkeys(names):
            macros.remove(name)
        return len(dict.fromkeys(names))

    @command(reads=True)
    def plays(
        self,
        name: MacroName,
        *,
        before: Annotated[int | None, AtLeast(1), Help("only plays before this number")] = None,
        limit: Annotated[int, Between(1, 100)] = 10,
    ) -> list[PlayLine]:
        """Tell how a macro was played, the latest first: each step, and where it failed or differed.

        > browser compose visit "open http://example.com/"
        …
        > browser play visit
        …
        > browser plays visit
        run …done…
        """
        macros = Macros(self.context.db)
        macros.find(name)
        return [_played(each) for each in macros.plays(name, limit, before)]

    @command(task=PLAYS)
    async def play(
        self,
        name: MacroName,
        *,
        arg: Annotated[dict[str, str], Help("NAME=VALUE of a parameter; once for each")] = {},  # noqa: B006 -- read only
        secret: Annotated[dict[str, Secret], Help("NAME=VALUE of a secret one; left out, the one kept here")] = {},  # noqa: B006 -- read only
        rows: Annotated[Json, Help("a list of objects, for `each rows`")] = None,
        speed: Annotated[Literal["fast", "recorded"], Help("as fast as it goes, or as it was recorded")] = "fast",
        check: Annotated[bool, Help("tell what would be done, and touch no page")] = False,
        seconds: Annotated[Seconds, Between(1, LONGEST_S), Help("the longest that it may take")] = 600.0,
    ) -> Played:
        """Play a macro: all its steps, up to the first that fails.

        The answer tells of each step whether it is done, or differs from the recording, and how long it took. Who
        watches the task sees each as it happens. What fails names its line, and has the steps and a picture with it.

        > browser compose visit "open http://example.com/"
        …
        > browser play visit --check
        visit would do 1 step
        …
        > browser play visit
        played visit, 1 step, … s
        """
        context: Any = self.context
        if self.session.recording:
            raise Conflict(f"{self.session.recording} is being recorded. `browser record stop` ends that.")
        shown = await context.call(context.path, "browser.show", name=name)
        macro = language.read(shown["text"])
        kept = Kept(name, shown["text"], shown["recorded"], 0.0, "")
        names = [each.name for each in macro.parameters if each.secret and each.name not in secret]
        secrets = {**await context.within(lambda inside: Secrets(inside).values(names)), **secret} if names else secret
        wish = Wish(arg, secrets, rows, speed, check, min(seconds, context.limits.BROWSER_PLAY_S))
        return await Player(context, kept, macro, shown["next"], wish).play()

    @command(reads=True)
    def playwright(self, name: MacroName) -> str:
        """Give a macro as a test in Python, for pytest with pytest-playwright: `… > test_visit.py`.

        Parameters are taken from the environment: GROVE_USER for {user}. Rows of SQL and of files are written into it
        as they are now; what the macro keeps in tables is only looked at.

        > browser compose visit "open http://example.com/"
        …
        > browser playwright visit
        …def test_visit(page: Page)…page.goto("http://example.com/")…
        """
        kept = Macros(self.context.db).find(name)
        return playwright.written_out(name, language.read(kept.text), self._rows_now)

    def _rows_now(self, step: language.Each, values: Mapping[str, str]) -> list[dict[str, str]]:
        """Give the rows that a loop goes through now."""
        context: Any = self.context
        if step.source == "file":
            got = context.facility("files").get(str(language.filled(step.what, values)))
            return playwright.rows_in(step.what, b"".join(got.chunks()))
        asked = {each: values.get(each.lower()) for each in language.names_in_sql(step.what) if each.lower() in values}
        limits = SqlLimits(seconds=context.settings.sql_seconds, rows=context.settings.sql_rows)
        answer = context.db.ask(step.what, asked or None, limits, reads_only=True)
        return playwright.named(list(answer.columns), answer.rows)


def _line(kept: Kept, macros: Macros) -> MacroLine:
    try:
        macro = language.read(kept.text)
    except Problem:
        macro = language.Macro([], [], 0)
    last = next(iter(macros.plays(kept.name, 1)), None)
    return MacroLine(
        kept.name,
        sum(1 for _ in macro.every()),
        [each.name for each in macro.parameters],
        _moment(last.began_at) if last else None,
        last.outcome if last else "",
        _moment(kept.changed_at),
        kept.by,
    )


def _played(play: Play) -> PlayLine:
    return PlayLine(
        play.number, _moment(play.began_at), play.took_s, play.outcome, play.line, play.problem, play.by,
        {str(name): str(value) for name, value in play.arguments.items()}, [dict(each) for each in play.steps],
        play.picture,
    )  # fmt: skip


def _recorded(step: Mapping[str, Any]) -> RecordedStep:
    after = step.get("after")
    url, title, did = (str(step.get(name) or "") for name in ("url", "title", "did"))
    return RecordedStep(step["line"], url, title, did, float(after) if isinstance(after, int | float) else 0.0)


def _moment(at: float) -> datetime:
    return datetime.fromtimestamp(int(at), UTC)
