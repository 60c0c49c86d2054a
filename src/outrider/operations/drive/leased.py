"""Work that one process at a time does under a lease in the store: taken up where nobody does it, given up where it is lost."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from outrider_ground.errors import OutriderError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    Work = Callable[[], Coroutine[None, None, None]]

LEASE_S = 10.0
SWEEP_S = 3.0


class LeasedWork:
    """The tasks of this process, one for each id, and the sweep that takes up what others have left.

    ``what`` they are, in the plural, is told where they cannot be read; ``take_up`` begins all that nobody does.
    """

    def __init__(self, what: str, take_up: Callable[[], Awaitable[None]], lease_s: float) -> None:
        self._what, self._take_up, self._lease_s = what, take_up, lease_s
        self._logger = logging.getLogger(f"outrider.{what}")
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._sweeper: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Take up what is unfinished, now and whenever something turns up."""
        self._sweeper = asyncio.create_task(self._sweep(), name=f"outrider-{self._what}")

    async def close(self) -> None:
        """Let go of everything; whoever starts next takes it up."""
        tasks = [*self._tasks.values(), *([self._sweeper] if self._sweeper else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._sweeper = None

    def begin(self, work_id: str, work: Work) -> None:
        """Do it in the background, once."""
        if work_id in self._tasks:
            return
        task = asyncio.create_task(work(), name=f"outrider-{self._what}-{work_id}")
        self._tasks[work_id] = task
        task.add_done_callback(lambda _: self._tasks.pop(work_id, None))

    async def _sweep(self) -> None:
        while True:
            try:
                await self._take_up()
            except OutriderError as error:
                self._logger.warning("unfinished %s cannot be read: %s", self._what, error.message)
            except Exception:  # whatever it is: nothing would ever be taken up again
                self._logger.exception("unfinished %s", self._what)
            await asyncio.sleep(min(SWEEP_S, self._lease_s))


async def while_claimed(
    work: Coroutine[None, None, None], claim: Callable[[], Awaitable[bool]], lease_s: float
) -> None:
    """Do the work for as long as the lease can be renewed; it has ended in any case then. Raises what it raises."""
    task = asyncio.create_task(work)
    try:
        while not task.done():
            await asyncio.wait({task}, timeout=lease_s / 3)
            if not task.done() and not await claim():
                return
        task.result()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
