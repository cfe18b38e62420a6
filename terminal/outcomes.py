"""How things end: statuses, refusals with their place, and jobs in the background."""

import asyncio
import time
from dataclasses import dataclass, field

from teams.problems import Problem

OK, FAILED, MISUSED, NO_COMMAND, CANCELLED = 0, 1, 2, 127, 130


@dataclass(slots=True)
class Job:
    """A chain that runs in the background."""

    number: int
    text: str
    task: "asyncio.Task[int]"
    started_at: float = field(default_factory=time.monotonic)

    @property
    def state(self) -> str:
        """How it is: "running", "done", "failed" or "cancelled"."""
        if not self.task.done():
            return "running"
        if self.task.cancelled():
            return "cancelled"
        return "done" if self.task.exception() is None and self.task.result() == OK else "failed"


class Complaint(Exception):  # noqa: N818 -- it carries a Problem through the shell, which prints it
    """A Problem with its place in the text that was typed, and the name of who refused."""

    def __init__(self, problem: Problem, name: str = "", start: int | None = None, end: int | None = None) -> None:
        super().__init__(problem.detail)
        self.problem = problem
        self.name = name
        self.start = start
        self.end = end


def status_of(problem: Problem) -> int:
    """Give the exit status that a problem ends a line with."""
    if problem.extra.get("no_command"):
        return NO_COMMAND
    return MISUSED if problem.status in (400, 422) else FAILED
