"""A kind for the tests of durable steps: a voyage that takes days, and is undone where it fails."""

from dataclasses import dataclass, field
from typing import Any

from objects.sdk import Conflict, Json, Kind, OutOfTime, Role, Run, command, durable


@dataclass
class State:
    """What a voyage remembers."""

    log: list[str] = field(default_factory=list)
    refusals: dict[str, int] = field(default_factory=dict)  # how often a place will refuse


class Voyage(Kind[State]):
    """Goes from place to place."""

    def note(self, what: str) -> str:
        self.state.log = [*self.state.log, what]
        left = self.state.refusals.get(what, 0)
        if left:
            raise Conflict(f"{what} refuses.")
        return what.upper()

    def unnote(self, what: str) -> None:
        self.note(f"not {what}")

    @command
    def refuse(self, what: str, times: int) -> None:
        """Have a place refuse."""
        self.state.refusals = {**self.state.refusals, what: times}

    @command
    def set_out(self, course: str, arguments: dict[str, Json] = {}) -> str:  # noqa: B006
        """Begin a voyage."""
        return self.begin(getattr(self, course), **arguments)

    @command
    def set_out_and_return(self) -> str:
        """Begin a voyage, and refuse."""
        self.begin(self.three)
        raise Conflict("Storm.")

    @durable
    def three(self, run: Run) -> list[str]:
        """Visit three places."""
        return [run.step(place, self.note, place, undo=self.unnote) for place in ("rome", "oslo", "lima")]

    @durable
    def rest(self, run: Run, seconds: float) -> list[Any]:
        """Visit two places with a rest between, and tell the moments and chances met."""
        first = self.now, self.random.random()
        run.step("rome", self.note, "rome")
        after = self.now, self.random.random()
        run.sleep("rest", seconds)
        rested = self.now
        run.step("oslo", self.note, "oslo")
        return [first, after, rested, self.now]

    @durable
    def stubborn(self, run: Run, tries: int) -> str:
        """Visit a place until it lets us in."""
        return run.step("rome", self.note, "rome", tries=tries, pause_s=10)

    @durable
    def detour(self, run: Run) -> str:
        """Go elsewhere where a place refuses."""
        try:
            return run.step("rome", self.note, "rome")
        except Conflict as refusal:
            return run.step("oslo", self.note, "oslo") + " for " + refusal.detail

    @durable
    def paid(self, run: Run, seconds: float | None = None) -> Any:
        """Wait to be paid."""
        try:
            return run.event("paid", seconds=seconds)
        except OutOfTime:
            return run.step("home", self.note, "home")

    @durable
    def allowed(self, run: Run) -> bool:
        """Ask an admin."""
        run.step("rome", self.note, "rome", undo=self.unnote)
        if not run.approval("go on?", role=Role.ADMIN):
            raise Conflict("Not allowed.")
        return True

    @durable
    def errand(self, run: Run, url: str) -> Any:
        """Fetch something on the way."""
        answer = run.task("fetch", "http.get", url=url)
        return run.step("note", self.note, answer["body"])

    @durable
    def careless(self, run: Run) -> None:
        """Change something outside of a step."""
        run.step("rome", self.note, "rome", undo=self.unnote)
        self.state.log = [*self.state.log, "careless"]
        run.step("oslo", self.note, "oslo")

    @durable
    def careless_at_the_end(self, run: Run) -> None:
        """Change something outside of a step, at the end."""
        self.state.log = [*self.state.log, "careless"]

    @durable
    def loud(self, run: Run) -> None:
        """Send something outside of a step."""
        self.send(self.path, "refuse", {"what": "x", "times": 1})

    @durable
    def twice(self, run: Run) -> None:
        """Use a name twice."""
        run.step("rome", self.note, "rome")
        run.step("rome", self.note, "rome")
