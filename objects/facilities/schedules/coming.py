"""The moments at which a schedule will fire, worked out from what is said of it."""

from collections.abc import Iterator

from objects.timing.plans import NEVER, Plan

EDGE_S = 1e-3  # a moment at the very begin of a part belongs to that part


def fires(plan: Plan, now: float) -> Iterator[float]:
    """Give the moments after now that are meant, one after the other, without end where the schedule has none."""
    if plan.nominal == NEVER:
        return
    spec, last_at = plan.moments(), plan.said.last_at
    moment = plan.nominal if plan.at > now else spec.after(max(now, plan.nominal))
    while moment is not None and moment <= last_at:
        yield moment
        moment = spec.after(moment)


def spread(plan: Plan, now: float, until: float, parts: int) -> Iterator[float]:
    """Give where a schedule fires between two moments: the first that is meant in each part of that time.

    So one that fires each second is told by as few moments as there are parts.
    """
    spec, last_at, step_s = plan.moments(), min(until, plan.said.last_at), (until - now) / parts
    moment = next(fires(plan, now), None)
    while moment is not None and moment < last_at:
        yield moment
        next_part = int((moment - now) / step_s) + 1
        moment = spec.after(max(moment, now + next_part * step_s - EDGE_S))
