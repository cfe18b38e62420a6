"""Playwright scripts: approved and run by those who operate this Grove, and by nobody else."""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal

import orjson

from browsers.commands.base import Part
from browsers.operated import apart, approved
from browsers.operated.approved import SETTING, Approval
from browsers.profile import Parts
from objects.sdk import Between, Help, Json, Moment, Name, Seconds, Secret, Task, TooLarge, command
from teams.access import Role

LONGEST_S: Final = 3_600.0
RUNS: Final = Task(seconds=LONGEST_S, place="browser", repeatable=False)
ScriptName = Annotated[Name, Help("of a file of this object, in Python")]


@dataclass(frozen=True, slots=True)
class ScriptLine:
    """A script. state: changed since it was approved, missing, or foreign: approved elsewhere, which does not count."""

    name: str
    state: Literal["approved", "changed", "missing", "foreign"]
    by: str
    approved_at: Moment


class Running(Part):
    """Runs Playwright scripts."""

    @command(reads=True)
    def scripts(self) -> list[ScriptLine]:
        """List the Playwright scripts that an operator of this Grove approved.

        > browser scripts
        """
        return [_line(*each) for each in approved.all_of(self.context)]

    @command(operators=SETTING)
    def approve(
        self, name: ScriptName, *, off: Annotated[bool, Help("it may not be run any more")] = False
    ) -> list[ScriptLine]:
        """Approve a script that you have read: the text that it has now may be run, and nothing that it is changed to.

        It is Python with `async def run(page, arguments):`, in which page is a page of Playwright's for asyncio and
        arguments the texts that `browser run` was given. It can do all that this Grove's processes can: only operators
        may approve and run one, and only where the deployment has that on (GROVE_BROWSER_SCRIPTS=1).

        > files put title.py "async def run(page, arguments): return await page.title()"
        …
        > browser approve title.py
        name      state     …
        title.py  approved  …
        """
        if off:
            approved.withdraw(self.context, name)
        else:
            approved.approve(self.context, name)
        return self.scripts()

    @command(task=RUNS, operators=SETTING)
    async def run(
        self,
        name: ScriptName,
        *,
        arg: Annotated[dict[str, str], Help("NAME=VALUE for its `arguments`; once for each")] = {},  # noqa: B006 -- read only
        secret: Annotated[dict[str, Secret], Help("the same, and shown nowhere")] = {},  # noqa: B006 -- read only
        seconds: Annotated[Seconds, Between(1, LONGEST_S), Help("the longest that it may take")] = 300.0,
    ) -> Json:
        """Run an approved Playwright script, and give what its `run` returns.

        It has a process and a Chromium of its own, which begins with the cookies, storage and tabs of this browser, and
        goes out by the same guarded way; the browser goes on with what it leaves behind, also where it fails. What it
        prints is the task's output. Cancelled, it ends with all that it began, and the browser is as it was.

        > files put title.py "async def run(page, arguments): return await page.title() or arguments"
        …
        > browser approve title.py
        …
        > browser run title.py --arg plant=mint
        {"plant": "mint"}
        """
        self.begun()
        session, limits = self.session, self.context.limits
        text = await self.context.within(lambda inside: _begun(inside, name))
        executable, sandbox = self.context.terms.launched
        answers: list[apart.Answer] = []

        async def use(parts: Parts) -> Parts:
            asked = {
                "name": name, "text": text, "arguments": {**arg, **{each: str(secret[each]) for each in secret}},
                "parts": parts, "proxy": session.proxy, "executable": executable, "sandbox": sandbox,
                "limits": asdict(limits),
            }  # fmt: skip
            took = min(seconds, limits.BROWSER_RUN_S)
            answers.append(
                await apart.run(asked, write=self.context.write, seconds=took, most_bytes=limits.BROWSER_RUN_BYTES)
            )
            return answers[-1].parts or parts

        await session.lend(use)
        (answer,) = answers
        if answer.error:
            raise apart.ScriptFailed(f"{name}: {answer.error}")
        size_bytes = len(orjson.dumps(answer.value))
        if size_bytes > limits.RESULT_BYTES:
            raise TooLarge(
                f"{name}: its result has {size_bytes:,} bytes, more than {limits.RESULT_BYTES:,} (limit RESULT_BYTES)."
            )
        return answer.value


def _begun(inside: Any, name: str) -> str:
    """Decide once more, now that it begins, and give its text."""
    inside.authorize(inside.path, command="browser.run", verb="task", needs=Role.EDITOR, operators=SETTING)
    return approved.begun(inside, name)


def _line(approval: Approval, state: Any) -> ScriptLine:
    return ScriptLine(approval.name, state, approval.by, datetime.fromtimestamp(int(approval.at), UTC))
