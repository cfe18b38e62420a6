"""Did you mean: the nearest of the words that would have been right."""

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(word: str, options: Iterable[str]) -> str:
    """Give " Did you mean 'state.set'?", or "" where nothing is near. Costs a few µs an option; only for refusals."""
    near = get_close_matches(word[:100], list(options), n=1, cutoff=0.6)
    return f" Did you mean '{near[0]}'?" if near else ""
