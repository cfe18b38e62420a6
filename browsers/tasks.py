"""How commands of browsers run, by what they do: each is declared with one of these."""

from typing import Final

from objects.sdk import Task

# Nobody knows whether a click has counted that its browser ended with: it is never done again by itself.
ACTS: Final = Task(seconds=60, place="browser", repeatable=False)
TRANSFERS: Final = Task(seconds=900, place="browser", repeatable=False)
# These are done again, by themselves and once, where their browser or their host ended meanwhile.
GOES: Final = Task(seconds=60, place="browser")  # brings the browser somewhere by an address, which is GET
READS: Final = Task(seconds=60, place="browser")  # only looks
LOOKS: Final = Task(seconds=600, place="browser")  # at many pages


def acts(task: Task) -> bool:
    """Whether what runs so does something to pages, and does not only look."""
    return task is GOES or not task.repeatable
