"""Who listens waits as long as nobody says anything; who speaks does not wait for a Valkey that does not answer."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from browsers.live import wire


def test_listening_never_gives_up_for_silence_and_speaking_does(engine_of_the_session):
    async def waits() -> tuple[float | None, ...]:
        listens, speaks = wire.hearing(), wire.client()
        return tuple(each.connection_pool.connection_kwargs["socket_timeout"] for each in (listens, speaks))

    with ThreadPoolExecutor(1) as beside:  # Playwright's loop runs in this thread
        assert beside.submit(asyncio.run, waits()).result() == (None, wire.TIMEOUT_S)
