"""The last good endpoints on disk, and what goes with them, so that an agent which restarts while Consul is down serves."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping

from outrider_agent.documents import Json, list_in, object_in, parsed, rendered
from outrider_agent.endpoints import Endpoints, sorted_endpoints
from outrider_agent.loop import NEVER, Actor
from outrider_agent.memory import Memory, document, memory, seconds, written_endpoint

FORMAT = 1
PAUSE = 2.0  # seconds from a change to its write, up to twice that: a node full of agents has other work at first


def text(known: Mapping[str, Endpoints], saved_at: float, memories: Json | None = None) -> str:
    """``saved_at`` is seconds since 1970, for people; ``memories`` is what ``remembered`` gives."""
    upstreams = {label: [list(one.row) for one in endpoints] for label, endpoints in known.items()}
    return rendered({"format": FORMAT, "saved_at": saved_at, "upstreams": upstreams, **(memories or {})}) + "\n"


def remembered(memories: Mapping[str, Memory], clock: float) -> Json:
    """What a successor must know beside the endpoints; ``clock`` is the reading that goes with those in it."""
    return {"clock": clock, "memories": {label: document(one) for label, one in memories.items()}}


def known_in(content: str) -> dict[str, Endpoints]:
    """The upstreams in a snapshot; raise ValueError for what is none of ours, half of it included."""
    document = object_in(parsed(content))
    if document.get("format") != FORMAT:
        raise ValueError("another format")
    upstreams = object_in(document.get("upstreams"))
    return {
        label: sorted_endpoints(written_endpoint(list_in(row)) for row in list_in(rows))
        for label, rows in upstreams.items()
    }


def memories_in(content: str, now: float) -> dict[str, Memory]:
    """What was remembered beside the endpoints; raise ValueError for what is none of ours.

    The clock is the machine's since its start. After a restart of the machine it reads less than what was written: then
    what was written counts as just written.
    """
    found = object_in(parsed(content))
    later = min(0.0, now - seconds(found["clock"])) if "clock" in found else 0.0
    return {label: memory(one, later) for label, one in object_in(found.get("memories")).items()}


def read(path: str) -> dict[str, Endpoints]:
    """What a predecessor left; raise OSError or ValueError where there is nothing that can be used."""
    with open(path, encoding="utf-8") as file:
        return known_in(file.read())


def read_memories(path: str, now: float) -> dict[str, Memory]:
    """What a predecessor left beside the endpoints; raise OSError or ValueError as ``read`` does."""
    with open(path, encoding="utf-8") as file:
        return memories_in(file.read(), now)


def write(path: str, content: str) -> None:
    """Replace the file in one step: a reader finds the old or the new one, never half."""
    beside = f"{path}.new"
    with open(beside, "w", encoding="utf-8") as file:
        file.write(content)
    os.replace(beside, path)


def spread_pause() -> float:
    """Not the same for all agents that hear of one change."""
    return PAUSE * (1 + os.urandom(1)[0] / 256)


class Writer(Actor):
    """Writes what ``known`` returns within four seconds of ``changed``, several changes at once under churn."""

    def __init__(
        self,
        path: str,
        known: Callable[[], Mapping[str, Endpoints]],
        say: Callable[[str], None],
        memories: Callable[[], Json] = dict,
    ) -> None:
        self.failures = 0
        self._path = path
        self._known = known
        self._memories = memories
        self._say = say
        self._due = NEVER

    def changed(self, now: float) -> None:
        if self._due == NEVER:
            self._due = now + spread_pause()

    def wake_at(self, now: float) -> float:  # noqa: ARG002  the same at any time
        return self._due

    def wake(self, now: float) -> None:  # noqa: ARG002  whenever it is called
        self._due = NEVER
        try:
            write(self._path, text(self._known(), time.time(), self._memories()))
        except OSError as problem:
            self.failures += 1
            self._say(f"cannot write the snapshot {self._path}: {problem.strerror}")

    def finish(self) -> None:
        """Write what is still to be written."""
        if self._due < NEVER:
            self.wake(self._due)
