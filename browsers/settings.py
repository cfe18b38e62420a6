"""How an object's browser presents itself: viewport, language, time zone and the like. Kept in the object's file."""

from dataclasses import asdict, dataclass, field, fields
from typing import Any, Final, Self

from playwright.async_api import BrowserContext, Page

VIEWPORT: Final = (1280, 800)
SIDE: Final = (200, 4_000)  # dots
HEADERS: Final = 50
# As Chromium's developer tools have them: seconds of delay, bytes a second down and up.
SPEEDS: Final = {
    "slow 3g": (2.0, 50_000, 50_000),
    "fast 3g": (0.56, 180_000, 84_000),
    "slow 4g": (0.17, 1_012_500, 168_750),
}


@dataclass(slots=True)
class Settings:
    """All settings, with what a fresh browser has. Those that are empty are the machine's."""

    width: int = VIEWPORT[0]
    height: int = VIEWPORT[1]
    scale: float = 1.0  # dots of the screen for one of the page
    mobile: bool = False
    touch: bool = False
    user_agent: str = ""
    locale: str = ""
    timezone: str = ""
    dark: bool = False
    offline: bool = False
    latitude: float | None = None
    longitude: float | None = None
    throttle: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, kept: dict[str, Any]) -> Self:
        """Read settings from a file; what is of another type or beyond its bounds is as in a fresh browser."""
        fresh = cls()
        for each in fields(cls):
            value, usual = kept.get(each.name), getattr(fresh, each.name)
            numbers = isinstance(value, int | float) and not isinstance(value, bool)
            fits = numbers if isinstance(usual, float) or usual is None else type(value) is type(usual)
            if fits and _is_within(each.name, value):
                setattr(fresh, each.name, value)
        return fresh

    def kept(self) -> dict[str, Any]:
        """Give what differs from a fresh browser."""
        fresh = asdict(type(self)())
        return {name: value for name, value in asdict(self).items() if value != fresh[name]}

    def options(self) -> dict[str, Any]:
        """Give what a context is made with."""
        made: dict[str, Any] = {
            "viewport": {"width": self.width, "height": self.height},
            "device_scale_factor": self.scale,
            "is_mobile": self.mobile,
            "has_touch": self.touch,
            "color_scheme": "dark" if self.dark else "light",
            "offline": self.offline,
        }
        told = {"user_agent": self.user_agent, "locale": self.locale, "timezone_id": self.timezone}
        made |= {name: value for name, value in told.items() if value}
        if self.latitude is not None and self.longitude is not None:
            made["geolocation"] = {"latitude": self.latitude, "longitude": self.longitude}
            made["permissions"] = ["geolocation"]
        return made

    async def apply(self, context: BrowserContext) -> None:
        """Set what can be changed while a context is there."""
        await context.set_extra_http_headers(self.headers)
        await context.set_offline(self.offline)
        for page in context.pages:
            await self.apply_to(page)

    async def apply_to(self, page: Page) -> None:
        """Set what is of each page."""
        if page.viewport_size != {"width": self.width, "height": self.height}:
            await page.set_viewport_size({"width": self.width, "height": self.height})
        if self.throttle in SPEEDS:
            delay_s, down, up = SPEEDS[self.throttle]
            line = await page.context.new_cdp_session(page)
            told = {"offline": False, "latency": delay_s * 1_000, "downloadThroughput": down, "uploadThroughput": up}
            await line.send("Network.emulateNetworkConditions", told)


def _is_within(name: str, value: Any) -> bool:
    match name:
        case "width" | "height":
            return bool(SIDE[0] <= value <= SIDE[1])
        case "scale":
            return bool(0.5 <= value <= 4)
        case "latitude":
            return bool(-90 <= value <= 90)
        case "longitude":
            return bool(-180 <= value <= 180)
        case "headers":
            texts = all(isinstance(each, str) and len(each) <= 4_000 for pair in value.items() for each in pair)
            return texts and len(value) <= HEADERS
    return not isinstance(value, str) or len(value) <= 500
