"""How long a question waits for a server: what a person looks at says *unknown* rather than nothing for long."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

from outrider.errors import RemoteError

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from outrider.operations.environment import Environment

Answer = TypeVar("Answer")


async def in_time(environment: Environment, work: Awaitable[Answer], server: str) -> Answer:
    """The answer, or RemoteError where there is none within our patience for a question."""
    seconds = environment.patience.question
    try:
        async with asyncio.timeout(seconds):
            return await work
    except TimeoutError as error:
        raise RemoteError(f"{server} of {environment.name} has not answered within {seconds:g} s") from error
