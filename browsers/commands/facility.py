"""The facility `browser`."""

from browsers.commands.acting import Acting
from browsers.commands.going import Going
from browsers.commands.keeping import Keeping
from browsers.commands.kept import Kept
from browsers.commands.macros import Scripting
from browsers.commands.presenting import Presenting
from browsers.commands.reading import Reading
from browsers.commands.recording import Recording
from browsers.commands.running import Running
from browsers.commands.saving import Saving
from browsers.commands.secrets import Hiding
from browsers.commands.tracing import Tracing
from browsers.commands.tracking import Tracking
from browsers.commands.waiting import Waiting
from browsers.commands.watching import Watching
from objects.sdk import Facility, Tab


class Browser(
    Tracking, Scripting, Going, Acting, Waiting, Reading, Saving, Recording, Tracing, Watching, Keeping, Kept,
    Presenting, Running, Hiding, Facility,
):  # fmt: skip
    """Has a browser of its own: pages, cookies and all."""

    name = "browser"
    tab = Tab("Browser", order=130)
