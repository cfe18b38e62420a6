"""The facility `browser`."""

from browsers.commands.acting import Acting
from browsers.commands.going import Going
from browsers.commands.reading import Reading
from browsers.commands.saving import Saving
from objects.sdk import Facility


class Browser(Going, Acting, Reading, Saving, Facility):
    """Has a browser of its own: pages, cookies and all."""

    name = "browser"
