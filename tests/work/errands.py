"""A kind for the tests of tasks: whatever can go right or wrong outside of an object."""

import os
import signal
import time
from dataclasses import dataclass, field
from typing import Any

from objects.sdk import Conflict, Finish, Json, Kind, Secret, Task, TryAgain, command


@dataclass
class State:
    """What an errand remembers."""

    count: int = 0
    told: list[Json] = field(default_factory=list)


class Errand(Kind[State]):
    """Does things elsewhere and hears of them."""

    context: Any

    @command(task=True)
    def add(self, one: int, two: int) -> int:
        """Add two numbers, elsewhere."""
        return one + two

    @command(task=True)
    def speak(self, *words: str) -> int:
        """Write words and tell how far it is."""
        for number, word in enumerate(words, start=1):
            self.context.progress(number / len(words), word)
            self.context.write(word + "\n")
            time.sleep(0.25)
        return len(words)

    @command(task=Task(seconds=1.0))
    def hang(self) -> int:
        """Compute for ever, deaf to being asked to stop."""
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        while True:
            pass

    @command(task=True)
    def linger(self, seconds: float) -> float:
        """Wait."""
        time.sleep(seconds)
        return seconds

    @command(task=True)
    def refuse(self, secret: Secret = "") -> int:
        """Refuse."""
        raise Conflict("Not like this.")

    @command(task=True)
    def stumble(self) -> int:
        """Fail by a fault of ours."""
        return 1 // 0

    @command(task=True)
    def die(self) -> int:
        """End the process."""
        os._exit(3)

    @command(task=True)
    def eat(self) -> int:
        """Use more memory than there is."""
        return len([bytes(1 << 20) for _ in range(100_000)])

    @command(task=Task(tries=3, pause_s=0.05))
    def flaky(self, works_at: int) -> int:
        """Work at one of the tries."""
        self.context.write(f"try {self.context.tries}\n")
        if self.context.tries < works_at:
            raise TryAgain(f"try {self.context.tries}")
        return int(self.context.tries)

    @command(task=Task(tries=3, pause_s=300))
    def stubborn(self) -> int:
        """Never work, and take long until the next try."""
        raise TryAgain("not yet", after_s=600)

    @command(task=True)
    def what_time(self) -> float:
        """Tell the time."""
        self.context.log("looked at the clock", try_=self.context.tries)
        return float(self.context.clock())

    @command(task=True)
    def relay(self, other: str) -> int:
        """Call another object, and this one, and tell what it said."""
        self.context.call(self.path, "state.set", key="count", value=5)
        return int(self.context.call(other, "state.get", key="count"))

    @command(task=True)
    def remember(self, seconds: float = 0) -> Finish:
        """Count, in the transaction that ends the task."""
        time.sleep(seconds)
        finish: Finish = self.context.finish_with("count_one")
        return finish

    @command(task=True)
    def wait_until_open(self) -> Finish:
        """Wait until the state says `open`, then count in the transaction that ends the task."""
        while not self.context.call(self.path, "state.get", key="open", default=False):
            time.sleep(0.02)
        finish: Finish = self.context.finish_with("count_one")
        return finish

    @command
    def remind(self) -> None:
        """Have a task run by an alarm."""
        self.schedule("reminder", "remember", at=self.now)

    @command(task=True)
    def remember_wrongly(self) -> int:
        """Have a command end the task that will refuse."""
        self.context.finish_with("never")
        return 1

    @command(task=True)
    def touch_the_database(self) -> int:
        """Reach for what a task has not."""
        return int(self.state.count)

    @command
    def count_one(self) -> int:
        """Count."""
        self.state.count += 1
        return self.state.count

    @command
    def never(self) -> int:
        """Change something and refuse."""
        self.state.count = 1000
        raise Conflict("Never.")

    @command
    def ask(
        self,
        task: str,
        arguments: dict[str, Json] = {},  # noqa: B006
        then: str = "hear",
        priority: int = 0,
        after: float = 0.0,
    ) -> str:
        """Start a task, and hear of its outcome."""
        return self.context.start(
            task, then=then, then_arguments={"mark": "m"}, priority=priority, after_s=after, **arguments
        )

    @command
    def ask_and_refuse(self) -> str:
        """Start a task, and refuse."""
        self.start("add", one=1, two=2)
        raise Conflict("Changed my mind.")

    @command
    def hear(self, task: str, mark: str, value: Json = None, problem: Json = None) -> None:
        """Hear of an outcome."""
        self.state.told.append([mark, value, problem and problem["type"]])

    @command
    def hear_nothing(self, task: str, mark: str, value: Json = None, problem: Json = None) -> None:
        """Refuse to hear of it."""
        self.state.count += 1
        raise Conflict("Deaf.")
