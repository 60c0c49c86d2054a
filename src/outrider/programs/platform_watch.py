"""The platform file of a running portal: read again when it changes or at SIGHUP, and taken whole or not at all."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from outrider_ground.errors import OutriderError, Problem, SpecError

from outrider.documents import MOST_SPEC_BYTES
from outrider.operations.answers.plan import Change
from outrider.operations.answers.platform import PlatformState, RefusedPlatform
from outrider.operations.platform_change import platform_changes, platform_hash, unchangeable
from outrider.spec.platform import Platform
from outrider.spec.reading.files import read_platform
from outrider.spec.reading.syntax import Mark, decoded, refused, too_large
from outrider.wiring.live import LiveApplication

LOOK_S = 2.0

log = logging.getLogger("outrider.platform")


class PlatformWatch:
    """Looks at one file every few seconds, through whatever links lead to it; bytes count, not times.

    A changed file is read when two looks in a row have found the same bytes: an editor may be writing it.
    """

    def __init__(self, live: LiveApplication, file: Path, look_s: float = LOOK_S) -> None:
        self._live, self._file, self._look_s = live, file, look_s
        self._bell = asyncio.Event()
        self._seen = _bytes_of(file)
        self._judged: bytes | OSError | None = self._seen
        live.tell(PlatformState(str(file), _hash(self._seen), datetime.now(UTC), tuple(live.now.platform.environments)))

    def ring(self) -> None:
        """Look at once, and do not wait for a second look."""
        self._bell.set()

    async def run(self) -> None:
        """Watch for ever."""
        while True:
            is_asked = await self._rung()
            content = await asyncio.to_thread(_bytes_of, self._file)
            is_settled, self._seen = content == self._seen or is_asked, content
            if is_settled and content != self._judged:
                self._judged = content
                await self._judge(content)

    async def _rung(self) -> bool:
        try:
            async with asyncio.timeout(self._look_s):
                await self._bell.wait()
        except TimeoutError:
            return False
        self._bell.clear()
        return True

    async def _judge(self, content: bytes | OSError) -> None:
        state = self._live.state
        if _hash(content) == state.hash:
            return self._live.tell(replace(state, refused=None))
        try:
            platform = _platform(content, str(self._file))
        except SpecError as error:
            return self._refuse(content, tuple(str(one) for one in error.problems))
        changes = platform_changes(self._live.now.platform, platform)
        try:
            deployed = await self._live.deployed()
        except OutriderError as error:
            # Nothing is known of the file yet: it is judged again at the next look, and told of once.
            self._judged = None
            return self._refuse(content, (error.message,), changes)
        problems = unchangeable(self._live.now.platform, platform, deployed)
        if problems:
            return self._refuse(content, problems, changes)
        try:
            await self._live.take(platform)
        except OutriderError as error:
            return self._refuse(content, (error.message,), changes)
        known = tuple(platform.environments)
        self._live.tell(PlatformState(str(self._file), _hash(content), datetime.now(UTC), known, changes))
        log.warning(
            "the platform file %s is in force, changed: %s", self._file, _paths(changes) or "nothing that counts"
        )
        return None

    def _refuse(self, content: bytes | OSError, problems: tuple[str, ...], changes: tuple[Change, ...] = ()) -> None:
        """What was in force stays so, whole."""
        found = RefusedPlatform(_hash(content), datetime.now(UTC), problems, changes)
        before = self._live.state.refused
        if before is not None and (before.hash, before.problems) == (found.hash, problems):
            return
        self._live.tell(replace(self._live.state, refused=found))
        log.error("the changed platform file %s is refused, the one before stays: %s", self._file, "; ".join(problems))


@asynccontextmanager
async def watched_platform(live: LiveApplication, file: Path | None) -> AsyncGenerator[None]:
    """Watch the file while the block runs; without one there is nothing to watch."""
    if file is None:
        yield
        return
    watch, loop = PlatformWatch(live, file), asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGHUP, watch.ring)
    task = asyncio.create_task(watch.run(), name="outrider-platform")
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGHUP)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def _bytes_of(file: Path) -> bytes | OSError:
    try:
        with file.open("rb") as opened:
            return opened.read(MOST_SPEC_BYTES + 1)
    except OSError as error:
        return _SameError(*error.args)


class _SameError(OSError):
    """An error that is the same as another one of its kind: a file that is gone is gone once."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _SameError) and other.args == self.args

    def __hash__(self) -> int:
        return hash(self.args)


def _platform(content: bytes | OSError, file: str) -> Platform:
    if isinstance(content, OSError):
        raise SpecError((Problem("", f"cannot be read: {content.strerror or content}", file=file),))
    if len(content) > MOST_SPEC_BYTES:  # before it is decoded: the last sign that was read may be a part of one
        raise refused(too_large(MOST_SPEC_BYTES), Mark(1, 1), file)
    return read_platform(decoded(content, file), file)


def _hash(content: bytes | OSError) -> str:
    return "" if isinstance(content, OSError) else platform_hash(content)


def _paths(changes: tuple[Change, ...]) -> str:
    return ", ".join(one.path for one in changes)
