"""Answers as Nomad gives them: JSON with index headers, errors as text, reads that wait for an index."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any, cast

from starlette.requests import Request
from starlette.responses import Response

from outrider_embedded.json_text import first_value
from outrider_embedded.scheduler.documents import Document
from outrider_embedded.scheduler.refusal import RefusalError
from outrider_embedded.scheduler.request_types import complaint
from outrider_embedded.scheduler.state import State
from outrider_embedded.scheduler.times import duration_ns

_UUID_LENGTH = 36
_DEFAULT_WAIT_S = 300.0
_MAX_WAIT_S = 600.0
_SECOND = 1_000_000_000


def document(body: Any, index: int | None = None, *, is_read: bool = False) -> Response:
    """A JSON answer; reads tell the index, and that there is a leader."""
    headers = {"Vary": "Accept-Encoding"}
    if index is not None:
        headers["X-Nomad-Index"] = str(index)
    if is_read:
        headers |= {"X-Nomad-Knownleader": "true", "X-Nomad-Lastcontact": "0"}
    return Response(json.dumps(body, separators=(",", ":")), 200, headers, "application/json")


def error(status: int, message: str, index: int | None = None) -> Response:
    """An error: a line of text, no JSON."""
    headers = {"Vary": "Accept-Encoding"}
    if index is not None:
        headers |= {"X-Nomad-Index": str(index), "X-Nomad-Knownleader": "true", "X-Nomad-Lastcontact": "0"}
    return Response(message, status, headers, "text/plain; charset=utf-8")


async def body(request: Request, kind: str) -> Document:
    """The request's JSON object, whose fields have the types of that request of Nomad's. Raises RefusalError."""
    text = (await request.body()).decode(errors="replace").strip()
    try:
        value, end = first_value(text) if text else (cast("Any", {}), 0)
    except json.JSONDecodeError:
        raise RefusalError(400, _parse_complaint(text)) from None
    except ValueError as error:
        raise RefusalError(400, str(error)) from None
    if end < len(text):
        raise RefusalError(400, f"invalid character {text[end]!r} after top-level value")
    if problem := complaint(value, kind):
        raise RefusalError(400, problem)
    return cast("Document", value or {})


def _parse_complaint(text: str) -> str:
    """What Go's parser says of text that is no JSON, for the two commonest cases."""
    if text.startswith("{") and len(text) > 1 and text[1] not in '"}':
        return f"invalid character '{text[1]}' looking for beginning of object key string"
    if text and text[0] not in '{["-0123456789tfn':
        return f"invalid character '{text[0]}' looking for beginning of value"
    return "unexpected end of JSON input"


async def read(
    request: Request, state: State, index: Callable[[], int], found: Callable[[], Any], missing: str = ""
) -> Response:
    """Answer a read, after the index in the query has passed; ``missing`` is the 404 for a None."""
    await blocked(request, state, index)
    value = found()
    if value is None and missing:
        return error(404, f"{missing} not found", index())
    return document(value, index(), is_read=True)


def checked_id(identifier: str, kind: str) -> str:
    """The ID where it has the length of one. Raises RefusalError, with the complaint of Nomad's index."""
    if len(identifier) != _UUID_LENGTH:
        raise RefusalError(500, f"{kind} lookup failed: index error: UUID must be 36 characters")
    return identifier


async def blocked(request: Request, state: State, index: Callable[[], int]) -> None:
    """Hold the request until the state is past the index that it names. Raises RefusalError."""
    asked = request.query_params.get("index", "")
    if not asked:
        return
    if not asked.isdecimal():
        raise RefusalError(400, "Invalid index")
    await state.wait(index, int(asked), _wait_s(request.query_params.get("wait", "")))


def _wait_s(text: str) -> float:
    if not text:
        return _DEFAULT_WAIT_S
    try:
        return min(duration_ns(text) / _SECOND, _MAX_WAIT_S)
    except ValueError:
        raise RefusalError(400, "Invalid wait time") from None


Endpoint = Callable[[Request], Awaitable[Response]]


def guarded(endpoint: Endpoint) -> Endpoint:
    """The endpoint with regions checked and refusals turned into answers."""

    async def answer(request: Request) -> Response:
        if request.query_params.get("region", "global") not in {"", "global"}:
            return error(500, "No path to region")
        try:
            return await endpoint(request)
        except RefusalError as refusal:
            return error(refusal.status, refusal.text)

    return answer
