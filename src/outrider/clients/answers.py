"""An answer of the portal as the type that it is, or a clear error: a portal of another version, or no portal at all.

What a newer portal says beyond that is left out.
"""

from __future__ import annotations

import functools
import json
from typing import TYPE_CHECKING, Any, TypeVar

from outrider_ground.errors import RemoteError
from pydantic import TypeAdapter, ValidationError

from outrider.clients.http import Call, Connection, json_of
from outrider.operations.events import Event, event_of

if TYPE_CHECKING:
    import httpx2

Answer = TypeVar("Answer")


class UnreadableError(RemoteError):
    """The portal has answered, and not what this Outrider understands: asking again helps nobody."""


@functools.cache
def adapter(kind: type[Answer]) -> TypeAdapter[Answer]:
    """Made once, when it is needed first: a command line needs few of them."""
    return TypeAdapter(kind)


def decoded(kind: type[Answer], connection: Connection, call: Call, response: httpx2.Response) -> Answer:
    """The answer's body as that type; UnreadableError for a body that is none."""
    json_of(connection, call, response)
    try:
        return adapter(kind).validate_json(response.content, strict=True, extra="ignore")
    except ValidationError as error:
        raise unreadable(connection, call, error) from error


def sent_event(connection: Connection, call: Call, data: str) -> Event:
    """An event of a stream; UnreadableError for one that is none."""
    try:
        return event_of(json.loads(data))
    except (ValidationError, ValueError, AttributeError) as error:
        raise unreadable(connection, call, error) from error


def listed_events(connection: Connection, call: Call, response: httpx2.Response) -> tuple[Event, ...]:
    """The events of a list; UnreadableError for one that is none."""
    document = json_of(connection, call, response)
    try:
        return tuple(event_of(one) for one in document["events"])
    except (ValidationError, KeyError, TypeError, AttributeError) as error:
        raise unreadable(connection, call, error) from error


def check_type(connection: Connection, call: Call, response: httpx2.Response, wanted: str) -> None:
    """UnreadableError for a stream of another type, as a proxy's page is."""
    found = str(response.headers.get("Content-Type", "")).partition(";")[0].strip().lower()
    if found != wanted:
        raise unreadable(connection, call, f"{found or 'no type'} instead of {wanted}")


def unreadable(connection: Connection, call: Call, error: Exception | str) -> UnreadableError:
    """The error for an answer that is not what it should be; names the first place, and none of its values."""
    return UnreadableError(
        f"{connection.server} answered {call} with something that this Outrider does not understand{_place(error)}",
        next_step="Look at what is at this address; a portal of another version than this command (`outrider version`) "
        "may answer otherwise.",
    )


def _place(error: Exception | str) -> str:
    if not isinstance(error, ValidationError):
        return f": {error}" if isinstance(error, str) else ""
    first: Any = error.errors(include_url=False, include_input=False, include_context=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    return f": {place}: {first['msg']}" if place else f": {first['msg']}"
