"""The last good endpoints on disk, so that an agent which restarts while Consul is down still serves."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable, Mapping

from outrider_agent import files
from outrider_agent.aside import Aside, nothing, within
from outrider_agent.documents import list_in, object_in, parsed, rendered, text_in
from outrider_agent.endpoints import DEGRADED, HEALTHY, Endpoint, Endpoints, sorted_endpoints
from outrider_agent.files import Stamp
from outrider_agent.instances import instance, whole_text
from outrider_agent.loop import NEVER, Actor, Loop
from outrider_agent.settings import is_label
from outrider_agent.sockets import said

Known = Mapping[str, Endpoints]

FORMAT = 1
PAUSE = 2.0  # seconds from a change to its write, up to twice that: a node full of agents has other work at first
LONGEST_PAUSE = 60.0  # seconds between two tries
LOOK_PAUSE = 60.0  # seconds between two looks at what lies on disk
LATE = 10.0  # seconds after which a write that goes on is told
PATIENCE = 1.0  # seconds that a start or an end waits for the disk
LARGEST = 8 * 1024 * 1024  # bytes


def text(known: Mapping[str, Endpoints], saved_at: float) -> str:
    """``saved_at`` is seconds since 1970: the only time here that must outlive the process."""
    upstreams = {label: [list(one.row) for one in endpoints] for label, endpoints in known.items()}
    return rendered({"format": FORMAT, "saved_at": saved_at, "upstreams": upstreams}) + "\n"


def known_in(content: str) -> dict[str, Endpoints]:
    """The upstreams in a snapshot; raise ValueError for what is none of ours, half of it or one impossible entry included.

    An empty list is an answer: Consul was believed to have none. It takes nothing from an Envoy that has endpoints.
    """
    document = object_in(parsed(content))
    saved_at = document.get("saved_at")
    if type(document.get("format")) is not int or document["format"] != FORMAT:
        raise ValueError("another format")
    if type(saved_at) not in (int, float) or not 0 <= float(str(saved_at)) < NEVER:  # ahead: a clock was set back
        raise ValueError(f"it was saved at {saved_at!r}, which is no time")
    upstreams = object_in(document.get("upstreams"))
    if upstreams is not document.get("upstreams"):
        raise ValueError("it has no upstreams")
    return {label: _endpoints(label, rows) for label, rows in upstreams.items()}


def _endpoints(label: str, rows: object) -> Endpoints:
    """Raise ValueError unless the rows are just what ``text`` would write of the endpoints that they make."""
    if not is_label(label):
        raise ValueError(f"{label!r} is no upstream")
    try:
        found = sorted_endpoints(_endpoint(list_in(row)) for row in list_in(rows))
    except ValueError as problem:
        raise ValueError(f"upstream {label} has an impossible entry: {problem}") from problem
    if rendered(rows) != rendered([list(one.row) for one in found]):
        raise ValueError(f"upstream {label} has an entry that no agent writes")
    return found


def _endpoint(row: list[object]) -> Endpoint:
    """Raise ValueError for a row that Envoy would not take."""
    address, port, health, weight, is_canary, version = row
    found = instance({"Service": {"Address": address, "Port": port, "Weights": {"Passing": weight}}})
    restored = Endpoint(found.address, found.port, HEALTHY if health == HEALTHY else DEGRADED, found.weight)
    restored.is_canary = is_canary is True
    restored.version = whole_text(text_in(version))
    return restored


def read(path: str) -> dict[str, Endpoints]:
    """What a predecessor left; raise OSError or ValueError where there is nothing that can be used."""
    return known_in(files.content(path, LARGEST).decode())


def found(path: str, say: Callable[[str], None]) -> dict[str, Endpoints]:
    """What a predecessor left, or nothing, and why; a disk that hangs is not waited for any longer than ``PATIENCE``."""
    known: dict[str, Endpoints] = {}
    try:
        if not within(PATIENCE, lambda: known.update(read(path))):
            say(f"the snapshot {path} cannot be used: the disk has not answered within {PATIENCE:.0f} s")
            return {}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as problem:
        say(f"the snapshot {path} cannot be used: {problem}")
        return {}
    return known


def write(path: str, content: str) -> Stamp:
    """Replace the file in one step; raise OSError, also for one that would not be read."""
    data = content.encode()
    if len(data) > LARGEST:
        raise OSError(errno.EFBIG, f"it would be larger than {LARGEST} bytes")
    return files.replace(path, data)


def spread_pause() -> float:
    """Not the same for all agents that hear of one change."""
    return PAUSE * (1 + os.urandom(1)[0] / 256)


class Writer(Actor):
    """Writes what ``known`` returns within four seconds of ``changed``, aside, and again until the disk has taken it.

    A file that somebody removes or changes is written anew as well.
    """

    def __init__(
        self,
        loop: Loop,
        path: str,
        known: Callable[[], Known],
        say: Callable[[str], None],
        put: Callable[[str, str], Stamp] | None = None,
    ) -> None:
        self.failures = 0
        self._loop = loop
        self._path = path
        self._known = known
        self._say = say
        self._put_file = put or write
        self._aside = Aside(loop)
        self._due = NEVER
        self._look_at = loop.now() + LOOK_PAUSE
        self._late_at = NEVER  # when a write has taken too long
        self._stamp: Stamp | None = None
        self._tries = 0  # since the last success
        self._complaint = ""

    @property
    def is_busy(self) -> bool:
        return self._aside.is_busy

    def changed(self, now: float) -> None:
        if self._due == NEVER:
            self._due = now + spread_pause()

    def wake_at(self, now: float) -> float:  # noqa: ARG002  the same at any time
        return self._late_at if self.is_busy else min(self._due, self._look_at)

    def wake(self, now: float) -> None:
        if self.is_busy:
            self._late_at = NEVER
            self._failed(f"the disk has not taken it for {LATE:.0f} s")
        elif self._due <= now:
            self._write(now)
        else:
            self._begin(self._look, now)

    def finish(self) -> None:
        """Write what is still to be written, unless the disk hangs."""
        if not self._aside.has_ended(PATIENCE) or self._due == NEVER:
            return
        self._due = NEVER
        content = text(self._known(), time.time())
        outcome: list[Callable[[], None]] = []
        try:
            within(PATIENCE, lambda: outcome.append(self._put(content)))
        except OSError as problem:
            self._failed(said(problem))
        for tell in outcome:
            tell()

    def _write(self, now: float) -> None:
        content = text(self._known(), time.time())
        self._due = NEVER
        self._begin(lambda: self._put(content), now)

    def _begin(self, work: Callable[[], Callable[[], None]], now: float) -> None:
        self._look_at = now + LOOK_PAUSE
        self._late_at = now + LATE
        try:
            self._aside.begin(work)
        except OSError as problem:
            self._try_again(said(problem))

    def _put(self, content: str) -> Callable[[], None]:
        try:
            stamp = self._put_file(self._path, content)
        except OSError as problem:
            reason = said(problem)
            return lambda: self._try_again(reason)
        return lambda: self._written(stamp)

    def _look(self) -> Callable[[], None]:
        """Whether the file is still there, and as it was written."""
        try:
            is_same = self._stamp in (None, files.stamp(self._path))
        except OSError:
            is_same = False
        return nothing if is_same else lambda: self.changed(self._loop.now())

    def _written(self, stamp: Stamp) -> None:
        if self._complaint:
            self._say(f"the snapshot {self._path} is written again")
        self._stamp, self._tries, self._complaint = stamp, 0, ""

    def _try_again(self, reason: str) -> None:
        self._failed(reason)
        pause = min(LONGEST_PAUSE, spread_pause() * 2**self._tries)
        self._tries = min(self._tries + 1, 10)
        self._due = min(self._due, self._loop.now() + pause)

    def _failed(self, reason: str) -> None:
        """Counted each time, said once for each reason."""
        self.failures += 1
        if reason != self._complaint:
            self._complaint = reason
            self._say(f"cannot write the snapshot {self._path}: {reason}")
