"""Commands about how the browser presents itself. What they set stays with the object."""

import zoneinfo
from typing import Annotated, Literal

from browsers.commands.base import Done, Part
from browsers.settings import SIDE, SPEEDS, VIEWPORT
from browsers.tasks import ACTS
from objects.commands.suggest import did_you_mean
from objects.sdk import Between, Help, Length, RestOfLine, WrongArgument, command

Dots = Annotated[int, Between(*SIDE)]


class Presenting(Part):
    """Sets the viewport, the place, the language and the like."""

    @command(task=ACTS)
    async def viewport(
        self,
        width: Annotated[Dots, Help("dots")] = VIEWPORT[0],
        height: Annotated[Dots, Help("dots")] = VIEWPORT[1],
    ) -> Done:
        """Set how large the window is.

        > browser viewport 800 600
        viewport 800 × 600…
        """
        self.begun()
        settings = self.session.settings
        settings.width, settings.height = width, height
        await settings.apply(self.session.live())
        return await self.done(f"viewport {width} × {height}")

    @command(task=ACTS)
    async def device(
        self, name: Annotated[RestOfLine, Help("such as iPhone 15 or Desktop; left out, as at first")] = ""
    ) -> Done:
        """Be like a phone, a tablet or another computer: its screen, touch and name. Pages are opened again.

        > browser device iPhone 15
        is like iPhone 15…
        """
        self.begun()
        session = self.session
        known = session.devices
        if name and name not in known:
            near = did_you_mean(name, known) or " Such as iPhone 15, Pixel 7, iPad Mini, Desktop Chrome."
            raise WrongArgument("name", f"{name[:60]}: no such device is known.{near}")
        told = known.get(name, {})
        viewport = told.get("viewport", {"width": VIEWPORT[0], "height": VIEWPORT[1]})
        settings = session.settings
        settings.width, settings.height = viewport["width"], viewport["height"]
        settings.scale = float(told.get("device_scale_factor", 1))
        settings.mobile, settings.touch = bool(told.get("is_mobile")), bool(told.get("has_touch"))
        settings.user_agent = str(told.get("user_agent", ""))
        await session.rebuild()
        return await self.done(f"is like {name or 'a computer'}")

    @command(task=ACTS)
    async def geolocation(
        self,
        latitude: Annotated[float | None, Between(-90, 90), Help("degrees; left out, pages are told nothing")] = None,
        longitude: Annotated[float | None, Between(-180, 180), Help("degrees")] = None,
    ) -> Done:
        """Set where the browser says that it is. Pages are opened again.

        > browser geolocation 59.91 10.75
        is at 59.91, 10.75…
        """
        self.begun()
        if (latitude is None) != (longitude is None):
            raise WrongArgument("longitude", "Give both, latitude and longitude, or neither.")
        settings = self.session.settings
        settings.latitude, settings.longitude = latitude, longitude
        await self.session.rebuild()
        return await self.done("tells no place" if latitude is None else f"is at {latitude}, {longitude}")

    @command(task=ACTS)
    async def timezone(
        self, zone: Annotated[str, Length(0, 60), Help("such as Europe/Oslo; left out, the machine's")] = ""
    ) -> Done:
        """Set the time zone. Pages are opened again.

        > browser timezone Europe/Oslo
        is in the time zone Europe/Oslo…
        """
        self.begun()
        known = zoneinfo.available_timezones()
        if zone and zone not in known:
            raise WrongArgument("zone", f"{zone}: no such time zone.{did_you_mean(zone, sorted(known))}")
        self.session.settings.timezone = zone
        await self.session.rebuild()
        return await self.done(f"is in the time zone {zone or 'of the machine'}")

    @command(task=ACTS)
    async def language(
        self, locale: Annotated[str, Length(0, 30), Help("such as de-DE; left out, the machine's")] = ""
    ) -> Done:
        """Set the language that pages are asked for. Pages are opened again.

        > browser language de-DE
        asks for de-DE…
        """
        self.begun()
        if locale and not locale.replace("-", "").isalnum():
            raise WrongArgument("locale", f"{locale}: is no language such as de or de-DE.")
        self.session.settings.locale = locale
        await self.session.rebuild()
        return await self.done(f"asks for {locale or 'the language of the machine'}")

    @command(task=ACTS)
    async def dark(self, on: Annotated[bool, Help("yes or no")] = True) -> Done:
        """Ask pages for their dark colours. Pages are opened again.

        > browser dark
        asks for dark colours…
        """
        self.begun()
        self.session.settings.dark = on
        await self.session.rebuild()
        return await self.done(f"asks for {'dark' if on else 'light'} colours")

    @command(task=ACTS)
    async def offline(self, on: Annotated[bool, Help("yes or no")] = True) -> Done:
        """Cut the browser off from the network, as pages see it.

        > browser offline
        is offline…
        > browser offline no
        is online…
        """
        self.begun()
        self.session.settings.offline = on
        await self.session.settings.apply(self.session.live())
        return await self.done(f"is {'offline' if on else 'online'}")

    @command(task=ACTS)
    async def throttle(
        self, speed: Annotated[Literal["none", "slow 3g", "fast 3g", "slow 4g"], Help("like which network")]
    ) -> Done:
        """Make the network slow. Pages are opened again.

        > browser throttle "fast 3g"
        has a network like fast 3g…
        """
        self.begun()
        self.session.settings.throttle = speed if speed in SPEEDS else ""
        await self.session.rebuild()
        return await self.done(f"has a network like {speed}" if speed in SPEEDS else "has the network that there is")

    @command(task=ACTS)
    async def headers(
        self,
        name: Annotated[str, Length(1, 200), Help("of a header that is sent with every request")],
        value: Annotated[RestOfLine, Length(0, 4_000), Help("left out, it is sent no more")] = "",
    ) -> Done:
        """Send a header with every request, to whichever site.

        > browser headers x-garden green
        sends x-garden…
        """
        self.begun()
        if not name.replace("-", "").replace("_", "").isalnum() or not (value.isprintable() and name.isascii()):
            raise WrongArgument("name", f"{name[:60]}: {value[:60]}: is no header such as `x-team green`.")
        settings = self.session.settings
        settings.headers.pop(name.lower(), None)
        if value:
            settings.headers[name.lower()] = value
        await settings.apply(self.session.live())
        return await self.done(f"sends {', '.join(settings.headers) or 'no headers of yours'}")
