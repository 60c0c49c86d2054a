"""How a server of ours is told to end: SIGINT and SIGTERM, once politely."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@asynccontextmanager
async def until_told() -> AsyncGenerator[asyncio.Event]:
    """An event that is set by the first SIGINT or SIGTERM; more of them do not break off the orderly end."""
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in SIGNALS:
        loop.add_signal_handler(number, told.set)
    try:
        yield told
    finally:
        for number in SIGNALS:
            loop.remove_signal_handler(number)
