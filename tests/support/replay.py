"""Recordings of real servers, replayed: the calls in their order, and how an answer differs from the recorded one.

Ids, indexes, times and addresses are a server's own; what must agree is the status, the headers that clients read,
the shape (same keys, same types, all the way down) and the exact text of errors.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "recordings"


@dataclass(frozen=True, slots=True)
class Recording:
    """One call and what the real server answered."""

    name: str
    method: str
    path: str
    request: Any
    status: int
    headers: Mapping[str, str]
    body: Any

    @property
    def content(self) -> bytes | None:
        """The request's body as it went over the wire; a string was sent as it is."""
        if self.request is None:
            return None
        return self.request.encode() if isinstance(self.request, str) else json.dumps(self.request).encode()


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server under test said; ``body`` is the raw text."""

    status: int
    headers: Mapping[str, str]
    body: str


def recordings(server: str) -> list[Recording]:
    """The calls recorded of a server (``consul-1.8.7``), in their order."""
    return [_recording(path) for path in sorted((FOLDER / server).glob("*.json"))]


def differences(recorded: Recording, answer: Answer, exact: frozenset[str], present: frozenset[str]) -> list[str]:
    """What is not as recorded: ``exact`` headers agree in value, ``present`` ones in being there."""
    found = [] if answer.status == recorded.status else [f"status {answer.status}, recorded {recorded.status}"]
    found += _header_differences(recorded, answer, exact, present)
    if not _is_json(recorded.headers):
        return found if answer.body == recorded.body else [*found, f"text {answer.body!r}, recorded {recorded.body!r}"]
    try:
        return [*found, *shape_differences(recorded.body, json.loads(answer.body))]
    except json.JSONDecodeError:
        return [*found, f"no JSON: {answer.body!r}"]


def shape_differences(recorded: Any, answered: Any, path: str = "$") -> Iterator[str]:
    """Where two documents differ in keys and types; booleans at the top are the whole answer and count as values."""
    if _kind(recorded) != _kind(answered):
        yield f"{path}: {_kind(answered)}, recorded {_kind(recorded)}"
    elif isinstance(recorded, dict):
        yield from _object_differences(recorded, answered, path)
    elif isinstance(recorded, list):
        yield from _list_differences(recorded, answered, path)
    elif isinstance(recorded, bool) and path == "$" and recorded != answered:
        yield f"{path}: {answered}, recorded {recorded}"


def _recording(path: Path) -> Recording:
    call = json.loads(path.read_text())
    request, response = call["request"], call["response"]
    return Recording(
        path.stem,
        request["method"],
        request["path"],
        request["body"],
        response["status"],
        response["headers"],
        response["body"],
    )


def _object_differences(recorded: dict[str, Any], answered: dict[str, Any], path: str) -> Iterator[str]:
    if missing := sorted(recorded.keys() - answered.keys()):
        yield f"{path}: without {', '.join(missing)}"
    if extra := sorted(answered.keys() - recorded.keys()):
        yield f"{path}: with {', '.join(extra)}"
    for key in sorted(recorded.keys() & answered.keys()):
        yield from shape_differences(recorded[key], answered[key], f"{path}.{key}")


def _list_differences(recorded: list[Any], answered: list[Any], path: str) -> Iterator[str]:
    """Each answered item looks like the recorded one in its place, or like any, where there is none."""
    if bool(recorded) != bool(answered):
        yield f"{path}: {len(answered)} items, recorded {len(recorded)}"
        return
    for at, item in enumerate(answered):
        candidates = [recorded[at]] if len(recorded) == len(answered) else recorded
        yield from min((list(shape_differences(one, item, f"{path}[{at}]")) for one in candidates), key=len, default=[])


def _header_differences(
    recorded: Recording, answer: Answer, exact: frozenset[str], present: frozenset[str]
) -> list[str]:
    was, now = _lowered(recorded.headers), _lowered(answer.headers)
    found = [
        f"{name}: {now.get(name)}, recorded {was.get(name)}" for name in sorted(exact) if was.get(name) != now.get(name)
    ]
    return found + [
        f"{name}: there or not, recorded otherwise" for name in sorted(present) if (name in was) != (name in now)
    ]


def _lowered(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def _is_json(headers: Mapping[str, str]) -> bool:
    return "json" in _lowered(headers).get("content-type", "")


def _kind(value: Any) -> str:
    if value is None or isinstance(value, (bool, str, list, dict)):
        return type(value).__name__
    return "number"
