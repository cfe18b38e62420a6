"""Where pages are. Paths may hold any printable Unicode, so every address is quoted here and nowhere else."""

from urllib.parse import quote, urlencode

from objects.surfaces.addresses import NAME_SAFE, written
from objects.tree.paths import ObjectPath


def team_address(slug: str) -> str:
    """The front page of a team."""
    return f"/t/{slug}/"


def objects_address(slug: str, **query: str) -> str:
    """The table of a team's objects: `at` a folder, or what to `find`."""
    return f"/t/{slug}/objects/" + (f"?{urlencode(query)}" if query else "")


def agenda_address(slug: str, **query: str) -> str:
    """All that is due, runs or fails in a team; `at` a path."""
    return f"/t/{slug}/agenda/" + (f"?{urlencode(query)}" if query else "")


def day_address(slug: str, **query: str) -> str:
    """What the schedules of a team do in the coming day; `at` a path."""
    return f"/t/{slug}/agenda/day/" + (f"?{urlencode(query)}" if query else "")


def branch_address(slug: str, path: str, depth: int, after: str = "") -> str:
    """What is right beneath an object, as rows of the tree beside the page."""
    query = {"at": path, "depth": str(depth)} | ({"after": after} if after else {})
    return f"/t/{slug}/branch/?{urlencode(query)}"


def object_address(slug: str, path: str, command: str = "") -> str:
    """The page of an object, or of one of its commands."""
    return f"/t/{slug}/o{quote(path, safe=NAME_SAFE)}" + (f":{quote(command)}" if command else "")


def tab_address(slug: str, path: str, tab: str, rest: str = "") -> str:
    """A tab of an object's page, and what lies beneath it: `:/database/plant`. Behind the colon no path goes on."""
    return object_address(slug, path) + f":/{tab}" + (f"/{quote(rest)}" if rest else "")


def call_address(slug: str, path: str, command: str) -> str:
    """Where programs call the command."""
    return written("/api/v1/", slug, path, command)


def read(address: str) -> tuple[ObjectPath, str]:
    """Take the part behind `/t/{team}/o/` apart: path and command, which is "" on an object's page.

    A tab stands where a command does, with a slash in front: "/database/plant".

    Raises WrongArgument where it is no path.
    """
    text, _, command = address.partition(":")
    return ObjectPath.parse(f"/{text}"), command
