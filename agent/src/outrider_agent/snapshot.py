"""The last good endpoints on disk, and what goes with them, so that an agent which restarts while Consul is down serves."""

from __future__ import annotations

import errno
from collections.abc import Callable, Mapping

from outrider_agent import files
from outrider_agent.background import within
from outrider_agent.documents import Json, list_in, object_in, parsed, rendered
from outrider_agent.endpoints import Endpoints, sorted_endpoints
from outrider_agent.files import Stamp
from outrider_agent.handover import Handover, document, handover, seconds, written_endpoint
from outrider_agent.loop import NEVER
from outrider_agent.settings import is_label

Known = Mapping[str, Endpoints]
Memories = Mapping[str, Handover]
NOTHING: tuple[Known, Memories] = ({}, {})

FORMAT = 1
PATIENCE = 1.0  # seconds that a start or an end waits for the disk
LARGEST = 8 * 1024 * 1024  # bytes


def text(known: Mapping[str, Endpoints], saved_at: float, memories: Json | None = None) -> str:
    """``saved_at`` is seconds since 1970, for people; ``memories`` is what ``remembered`` gives."""
    upstreams = {label: [list(one.row) for one in endpoints] for label, endpoints in known.items()}
    return rendered({"format": FORMAT, "saved_at": saved_at, "upstreams": upstreams, **(memories or {})}) + "\n"


def remembered(memories: Mapping[str, Handover], clock: float) -> Json:
    """What a successor must know beside the endpoints; ``clock`` is the reading that goes with those in it."""
    return {"clock": clock, "memories": {label: document(one) for label, one in memories.items()}}


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
        found = sorted_endpoints(written_endpoint(list_in(row)) for row in list_in(rows))
    except ValueError as problem:
        raise ValueError(f"upstream {label} has an impossible entry: {problem}") from problem
    if rendered(rows) != rendered([list(one.row) for one in found]):
        raise ValueError(f"upstream {label} has an entry that no agent writes")
    return found


def memories_in(content: str, now: float) -> dict[str, Handover]:
    """What was remembered beside the endpoints; raise ValueError for what is none of ours.

    The clock is the machine's since its start. After a restart of the machine it reads less than what was written: then
    what was written counts as just written.
    """
    found = object_in(parsed(content))
    later = min(0.0, now - seconds(found["clock"])) if "clock" in found else 0.0
    return {label: handover(one, later) for label, one in object_in(found.get("memories")).items()}


def read(path: str, now: float) -> tuple[Known, Memories]:
    """What a predecessor left; raise OSError or ValueError where there is nothing that can be used."""
    content = files.content(path, LARGEST).decode()
    return known_in(content), memories_in(content, now)


def found(path: str, say: Callable[[str], None], now: float) -> tuple[Known, Memories]:
    """What a predecessor left, or nothing, and why; a disk that hangs is not waited for any longer than ``PATIENCE``."""
    left: list[tuple[Known, Memories]] = []
    try:
        if not within(PATIENCE, lambda: left.append(read(path, now))):
            say(f"the snapshot {path} cannot be used: the disk has not answered within {PATIENCE:.0f} s")
    except FileNotFoundError:
        return NOTHING
    except (OSError, ValueError) as problem:
        say(f"the snapshot {path} cannot be used: {problem}")
    return left[0] if left else NOTHING


def write(path: str, content: str) -> Stamp:
    """Replace the file in one step; raise OSError, also for one that would not be read."""
    data = content.encode()
    if len(data) > LARGEST:
        raise OSError(errno.EFBIG, f"it would be larger than {LARGEST} bytes")
    return files.replace(path, data)
