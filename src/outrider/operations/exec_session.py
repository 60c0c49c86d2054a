"""One command beside a task, from its record to its end: what is said and heard is passed on, and none of it is kept."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from outrider_ground.errors import ConflictError, OutriderError, RemoteError

from outrider.documents import nested
from outrider.nomad.read.allocations import allocations
from outrider.operations.exec_refusals import explained

if TYPE_CHECKING:
    from outrider.documents import Json
    from outrider.nomad.read.allocations import Allocation
    from outrider.operations.environment import Environment
    from outrider.operations.exec_frames import InputFrame
    from outrider.operations.exec_records import Exec
    from outrider.operations.nomad_port import ExecStream

Say = Callable[["Json"], Awaitable[None]]
Hear = Callable[[], Awaitable["InputFrame | None"]]
OUTPUT = frozenset({"stdout", "stderr"})
LAST_WORDS_S = 2.0
FIRST_WORDS_S = 0.25  # a refusal takes one way to Nomad and back


class HungUpError(OutriderError):
    """Whoever ran the command is gone."""


@dataclass(frozen=True, slots=True)
class _End:
    """How a session ended: with the command's exit code, or for another reason."""

    exit_code: int | None = None
    reason: str = ""


class ExecSession:
    """A command that may begin. It begins when its record is kept, and not without."""

    def __init__(self, environment: Environment, made: Exec) -> None:
        self._environment, self.made = environment, made
        self._idle = asyncio.timeout(None)
        self._spoken = asyncio.Event()

    async def run(self, hear: Hear, say: Say) -> Exec:
        """Run it to its end; ``hear`` is None where the caller has hung up. What is said first is that it is kept.

        OutriderError where it ends otherwise than with an exit code: Nomad refuses it, its allocation ends, nothing was said
        for too long.
        """
        made = self.made
        await self._environment.store.execs.add_exec(made)
        end = _End(reason="the portal was ended")
        try:
            await say({"started": {"exec": made.id, "allocation": made.allocation, "task": made.task}})
            end = _End(exit_code=await self._exit_code(hear, say))
        except OutriderError as error:
            end = _End(reason=error.message)
            raise
        except Exception as error:  # whatever it is: the record of a command has an end, and it is raised again
            end = _End(reason=f"a defect of Outrider: {type(error).__name__}")
            raise
        finally:
            ended = replace(made, ended_at=datetime.now(UTC), exit_code=end.exit_code, reason=end.reason)
            await asyncio.shield(self._environment.store.execs.end_exec(ended))
        return ended

    async def _exit_code(self, hear: Hear, say: Say) -> int:
        made, nomad = self.made, self._environment.nomad
        try:
            async with nomad.exec(made.allocation, made.task, made.command, has_terminal=made.has_terminal) as stream:
                return await self._first_end(self._told(stream, say), self._ended(), self._heard(stream, hear))
        except RemoteError as error:
            raise await self._why(error) from error

    async def _first_end(self, *endings: Awaitable[int]) -> int:
        """The first of them counts; of several at once the command's own, which has a moment more."""
        work = [asyncio.ensure_future(one) for one in endings]
        try:
            async with self._idle:
                self._move()
                await asyncio.wait(work, return_when=asyncio.FIRST_COMPLETED)
                if work[1].done():
                    await asyncio.wait(work[:1], timeout=LAST_WORDS_S)
            return next(one for one in work if one.done()).result()
        except TimeoutError:
            raise _idle(self._environment.limits.idle) from None
        finally:
            for one in work:
                one.cancel()
            await asyncio.gather(*work, return_exceptions=True)

    def _move(self) -> None:
        """Something was said: the time in which nothing is begins anew."""
        if not self._idle.expired():
            self._idle.reschedule(asyncio.get_running_loop().time() + self._environment.limits.idle)

    async def _told(self, stream: ExecStream, say: Say) -> int:
        """What the command says, to its end."""
        async for frame in stream.received():
            self._spoken.set()
            self._move()
            if frame.get("exited"):
                await say(frame)
                return int(nested(frame, "result").get("exit_code") or 0)  # Nomad leaves a 0 out
            if not OUTPUT.isdisjoint(frame):
                await say({name: frame[name] for name in OUTPUT if frame.get(name)})
        raise RemoteError("Nomad ended the session without an exit code")

    async def _heard(self, stream: ExecStream, hear: Hear) -> int:
        """What the command is told, until nobody tells it anything more, or it takes no more: then its end says why.

        Not before Nomad had a moment to refuse: with something to pass on meanwhile it often forgets to say why (1.6.5, 2.0.5).
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FIRST_WORDS_S):  # before Python 3.12 wait_for may swallow that it is cancelled
                await self._spoken.wait()
        while (frame := await hear()) is not None:
            if frame.document:
                self._move()
            try:
                await stream.send(frame.document)
            except RemoteError:
                await asyncio.Event().wait()
        raise HungUpError("whoever ran it has hung up")

    async def _ended(self) -> int:
        """Nomad ends a command with its task, and not on every node at once."""
        while True:
            await asyncio.sleep(self._environment.limits.session)
            if error := await self._allocation_ended():
                raise error

    async def _why(self, error: RemoteError) -> OutriderError:
        """The error in our words, where we have some; an allocation that has ended explains all others."""
        return await self._allocation_ended() or explained(error, self.made, has_begun=self._spoken.is_set())

    async def _allocation_ended(self) -> ConflictError | None:
        try:
            found = await self._environment.nomad.allocation(self.made.allocation)
        except RemoteError:
            return None  # what cannot be asked has not ended
        one: Allocation | None = next(iter(allocations([found])), None) if found else None
        if one and one.is_live and self.made.task not in {task.name for task in one.tasks if task.state == "dead"}:
            return None
        status = "is gone" if one is None else "is being ended" if not one.is_gone else f"has ended ({one.status})"
        if one and one.is_live:
            status = f"goes on without its task {self.made.task}, which has ended"
        return ConflictError(
            f"allocation {self.made.allocation[:8]} {status}, and the command with it",
            next_step=f"`outrider status {self.made.service} -e {self.made.environment}` shows what runs now.",
        )


def _idle(most_s: float) -> ConflictError:
    return ConflictError(
        f"nothing was said for {most_s:g} s, so the session was ended",
        next_step="Run what takes so long in the background, and look at it with another `outrider exec`.",
    )
