"""How long ago something was is written by the server and kept up by a script: both say the same, so nothing moves."""

import re
import time
from datetime import UTC, datetime

import pytest

from objects.surfaces.pages.ago import ago
from objects.templatetags.grove import moment

SECONDS = [
    sign * seconds
    for sign in (-1, 1)
    for seconds in (0, 4, 6, 59, 61, 89, 91, 3_599, 3_700, 5_399, 5_401, 86_399, 90_000, 130_000, 2_591_000, 2_600_000,
                    4_000_000, 31_500_000, 31_600_000, 50_000_000, 90_000_000)
]  # fmt: skip


# Times so far from now, and what the script makes of them once they are on the page.
WRITTEN = """
(seconds) => {
  const main = document.querySelector("main");
  main.replaceChildren(...seconds.map((each) => {
    const time = document.createElement("time");
    time.dateTime = new Date(Date.now() + each * 1000).toISOString();
    return time;
  }));
  document.dispatchEvent(new CustomEvent("htmx:afterSwap", { detail: { elt: main } }));
  return [...main.children].map((each) => each.textContent);
}
"""


def test_the_server_says_what_the_script_says(chromium, site):
    page = chromium.new_page(base_url=site)
    page.clock.set_fixed_time(datetime(2030, 5, 17, tzinfo=UTC))
    page.goto("/account/login/")

    said = page.evaluate(WRITTEN, SECONDS)
    page.close()

    assert said == [ago(seconds) for seconds in SECONDS]


@pytest.mark.parametrize(("back", "said"), [(0.0, "just now"), (200.0, "3 min. ago"), (-7_300.0, "in 2 hr.")])
def test_a_moment_has_its_exact_time_to_look_up(back, said):
    at = datetime.fromtimestamp(time.time() - back, UTC)

    shown = re.fullmatch(r'<time datetime="(.+?)" title="(.+?)">(.+)</time>', str(moment(at)))

    assert (shown[2], shown[3]) == (f"{at:%Y-%m-%d %H:%M:%S} UTC", said)
