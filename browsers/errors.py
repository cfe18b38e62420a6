"""What Playwright has against something."""

from playwright.async_api import Error


def first_line(error: Error) -> str:
    """Say what Playwright has against something, in a line."""
    text = str(getattr(error, "message", error)).strip().split("\n", 1)[0]
    return (
        text.split(": ", 1)[-1][:300]
        if text.startswith(("Page.", "Locator.", "Frame.", "BrowserContext."))
        else text[:300]
    )
