"""The queue: what is to be done later, here or in other objects, once each, whatever crashes meanwhile.

A message has a command of this object, which the platform runs, or a body that somebody elsewhere fetches. A message
and its effect are one transaction: delivering it takes it away. What fails is tried again after a pause that doubles,
and is a dead letter when it has failed too often. Messages are in the object's own file. Changes are told on the topic
"queue".
"""

from objects.facilities.queue.delivering import pause_s
from objects.facilities.queue.fetching import Fetching
from objects.facilities.queue.looking import Looking
from objects.facilities.queue.pushing import Pushing
from objects.facilities.queue.righting import Righting
from objects.sdk import Facility, Tab

__all__ = ["Queue", "pause_s"]


class Queue(Righting, Looking, Fetching, Pushing, Facility):  # `help` shows the commands of the last part first
    """Does things later, once each."""

    name = "queue"
    tab = Tab("Queue", order=210)
