"""The page that stands in place of one that was not opened: what, why, and what to do."""

import base64
import hashlib
from html import escape
from typing import Final

from teams.problems import NotAllowed, Problem

HOST: Final = "refused.localhost"  # answered by the proxy itself: the page of a refusal, where Chromium shows none

_STYLE: Final = """
:root { color-scheme: light dark; --ink: #1c2420; --soft: #59645e; --ground: #f6f7f4; --card: #fff; --line: #dfe4dd;
  --accent: #a4481f; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8ece9; --soft: #a3aea7; --ground: #131714; --card: #1b201d;
  --line: #313a34; --accent: #f0a27c; } }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1.5rem; background: var(--ground);
  color: var(--ink); font: 1rem/1.55 system-ui, sans-serif; }
main { width: 100%; max-width: 36rem; padding: 2rem; background: var(--card); border: 1px solid var(--line);
  border-top: 4px solid var(--accent); border-radius: .5rem; }
h1 { margin: 0 0 .25rem; font-size: 1.35rem; line-height: 1.3; }
.where { margin: 0 0 1.25rem; color: var(--soft); overflow-wrap: anywhere; font-family: ui-monospace, monospace; }
h2 { margin: 1.25rem 0 .25rem; font-size: .95rem; }
p { margin: 0; overflow-wrap: anywhere; }
footer { margin-top: 1.5rem; padding-top: 1rem; border-top: 1px solid var(--line); color: var(--soft);
  font-size: .875rem; }
"""
_HASH: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_POLICY: Final = f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; form-action 'none'"
HEADERS: Final = (
    ("Content-Type", "text/html; charset=utf-8"),
    ("Content-Security-Policy", _POLICY),
    ("Cache-Control", "no-store"),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Grove", "refused"),
)

_TITLES: Final = {
    403: "Grove did not open this address",
    404: "There is no page here",
    429: "This browser is over a limit",
    502: "The other side did not answer",
    504: "The other side took too long",
}
_WAYS_OUT: Final = {
    403: "Check the address. Browsers here reach the public internet, and nothing of the network that Grove runs in.",
    404: "Go back, or open another address.",
    429: "Wait a little and load the page again.",
    502: "Check the address for a slip of the pen, and load the page again.",
    504: "Load the page again. Where it stays like this, the site is down or does not let this machine in.",
}


def page(problem: Problem, where: str) -> bytes:
    """Write the page. where: the address that was asked for, as far as it is known."""
    title = _TITLES.get(problem.status, problem.title)
    way_out = _WAYS_OUT.get(problem.status, _WAYS_OUT[404])
    if isinstance(problem, NotAllowed) and "browser." in problem.detail:
        way_out = "The lists are among the settings of the object, and are inherited from what is above it."
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{_STYLE}</style></head><body><main>"
        f'<h1>{escape(title)}</h1><p class="where">{escape(where[:500])}</p>'
        f"<h2>Why</h2><p>{escape(problem.detail)}</p><h2>What to do</h2><p>{escape(way_out)}</p>"
        "<footer>This page is from Grove, not from the site.</footer></main></body></html>"
    ).encode()
