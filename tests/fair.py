"""How long something may take that is promised in seconds."""

import os


def fair(seconds: float) -> float:
    """Give the seconds that a promise may take on this machine now.

    With twice as many programs at work as there are cores each gets half of one, and whatever it does takes twice as
    long. A promise that is kept by a timer alone needs less than that, and one that is broken more.
    """
    return seconds * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
