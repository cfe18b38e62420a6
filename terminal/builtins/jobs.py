"""Jobs: what runs in the background."""

import asyncio
import time
from typing import Annotated, Any

from objects.commands.types import Help, Json
from teams.problems import NoSuch
from terminal.builtins.base import Stage, builtin
from terminal.outcomes import CANCELLED, Job

Number = Annotated[int | None, Help("the number of a job; the latest where it is left out")]


def _job(stage: Stage, number: int | None) -> Job:
    jobs = stage.shell.jobs
    found = jobs.get(number) if number is not None else next(reversed(jobs.values()), None)
    if found is None:
        raise NoSuch(
            (f"no job {number}." if number is not None else "no jobs.") + " `jobs` lists them; `COMMAND &` starts one.",
            column=stage.column_of(str(number)),
        )
    return found


@builtin("jobs", always=True)
async def jobs(stage: Stage) -> Json:
    """List what runs in the background, or has lately ended.

    > sleep 20 &
    [1] sleep 20
    > jobs | get command
    sleep 20
    > kill 1
    """
    now = time.monotonic()
    return [
        {"job": job.number, "state": job.state, "seconds": round(now - job.started_at, 1), "command": job.text}
        for job in stage.shell.jobs.values()
    ] or None


@builtin("jobs", always=True, takes=("jobs",))
async def fg(stage: Stage, job: Number = None) -> Json:
    """Wait for a job; Ctrl-C then ends it. The status is the job's.

    > sleep 0.01 &
    …
    > fg
    …
    """
    found = _job(stage, job)
    try:
        stage.status = await found.task
    except asyncio.CancelledError:
        stage.status = CANCELLED
        asking = asyncio.current_task()
        if asking is not None and asking.cancelling():
            found.task.cancel()
            raise
    stage.shell.jobs.pop(found.number, None)


@builtin("jobs", always=True, takes=("jobs",))
async def kill(stage: Stage, job: Number = None) -> Json:
    """End a job.

    > sleep 20 &
    …
    > kill
    """
    found = _job(stage, job)
    found.task.cancel()
    await asyncio.gather(found.task, return_exceptions=True)
    stage.shell.jobs.pop(found.number, None)


@builtin("jobs", always=True, takes=("jobs",))
async def wait(stage: Stage, *numbers: Annotated[int, Help("the numbers of jobs; all where none is given")]) -> Json:
    """Wait until jobs have ended; they go on if you press Ctrl-C. The status is the last one's.

    > sleep 0.01 &
    …
    > wait
    …
    """
    waited: list[Any] = [_job(stage, number) for number in numbers] or list(stage.shell.jobs.values())
    for each in waited:
        done, _ = await asyncio.wait({each.task})
        stage.status = next((CANCELLED if task.cancelled() else task.result() for task in done), 0)
        stage.shell.jobs.pop(each.number, None)
