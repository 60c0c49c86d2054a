"""Whether a server is there while nothing is heard of it: one that hangs is told of before its own silence is noticed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from outrider_ground.errors import RemoteError

from outrider.operations.observe.contact import silence_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from outrider.operations.observe.contact import Contact
    from outrider.operations.observe.pace import Pace


async def pulse(
    server: str, leader: Callable[[], Awaitable[str]], contact: Contact, is_fed: Callable[[], bool], pace: Pace
) -> None:
    """Ask for its leader for ever; an answer counts as news only while changes would be heard, too."""
    while True:
        await asyncio.sleep(pace.pulse)
        try:
            found = await answered(server, leader(), pace.question)
        except Exception as error:  # noqa: BLE001  a defect here must not make a server seem to be there
            contact.missed(silence_of(error))
            continue
        if not found:
            contact.missed(RemoteError(f"{server} has no leader"))
        elif is_fed():
            contact.heard()


async def answered(server: str, work: Awaitable[str], seconds: float) -> str:
    """The answer; RemoteError where there is none in time."""
    try:
        async with asyncio.timeout(seconds):
            return await work
    except TimeoutError as error:
        raise RemoteError(f"{server} has not answered within {seconds:g} s") from error
