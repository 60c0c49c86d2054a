"""One HTTP call and its answer, as the faces of the registry see them; and Consul's parameters of a call."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

from outrider_embedded.registry.refusal import bad_request

JSON = "application/json"
TEXT = "text/plain; charset=utf-8"
_TRUE = frozenset({"1", "t", "T", "TRUE", "true", "True"})
_FALSE = frozenset({"0", "f", "F", "FALSE", "false", "False"})


@dataclass(frozen=True, slots=True)
class Call:
    """``name`` is what follows the route's prefix; ``gone`` is done when the caller has hung up."""

    method: str
    name: str
    query: dict[str, list[str]]
    body: bytes
    gone: asyncio.Future[None]

    def parameter(self, key: str) -> str:
        """A parameter's first value, empty where it is not given."""
        return self.query.get(key, [""])[0]

    def has(self, key: str) -> bool:
        return key in self.query


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict[str, str])


def json_answer(document: Any, headers: dict[str, str] | None = None, status: int = 200) -> Answer:
    return Answer(status, json_bytes(document), {"Content-Type": JSON, **(headers or {})})


def text_answer(status: int, text: str, headers: dict[str, str] | None = None) -> Answer:
    return Answer(status, text.encode(), {"Content-Type": TEXT, **(headers or {})})


def json_bytes(document: Any) -> bytes:
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()


def truth(text: str, complaint: str) -> bool:
    """A boolean as Go reads it; raises Refused with ``complaint``."""
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise bad_request(complaint)
