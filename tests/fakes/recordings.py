"""Recorded answers of real servers as a transport: a request is answered as it was when it was recorded."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import httpx2

ROOT = Path(__file__).parents[1] / "recordings"
SERVERS = ("nomad-2.0.5", "nomad-1.6.5", "consul-1.8.7")
BAD = 400
FRAMING = {"content-length", "transfer-encoding", "vary"}


@dataclass(frozen=True)
class Recording:
    """One call of a real server and its answer."""

    server: str
    name: str
    method: str
    path: str
    status: int
    headers: dict[str, str]
    body: Any

    @property
    def is_json(self) -> bool:
        return "json" in self.headers.get("Content-Type", "")

    @property
    def content(self) -> bytes:
        text = json.dumps(self.body) if self.is_json or not isinstance(self.body, str) else self.body
        return text.encode()

    @property
    def segments(self) -> tuple[str, ...]:
        """The path's segments as a caller names them."""
        return tuple(unquote(part) for part in urlsplit(self.path).path.strip("/").split("/"))

    def response(self, request: httpx2.Request) -> httpx2.Response:
        """The recorded answer, if this is the recorded request (queries aside)."""
        assert (request.method, request.url.path.rstrip("/")) == (self.method, urlsplit(self.path).path.rstrip("/"))
        return self.response_to(request)

    def response_to(self, request: httpx2.Request) -> httpx2.Response:
        """The recorded answer, whatever was asked."""
        del request
        headers = {key: value for key, value in self.headers.items() if key.lower() not in FRAMING}
        return httpx2.Response(self.status, headers=headers, content=self.content)

    def transport(self) -> httpx2.MockTransport:
        return httpx2.MockTransport(self.response)


def recordings(server: str) -> list[Recording]:
    """All calls of one server, in their order."""
    return [_recording(file) for file in sorted((ROOT / server).glob("*.json"))]


def recording(server: str, name: str) -> Recording:
    return _recording(ROOT / server / f"{name}.json")


class Library:
    """All recordings of one server as its transport: a request gets the first recorded answer to its path.

    `changed` answers come first: a status and a document (or text) by path.
    """

    def __init__(self, server: str, changed: Mapping[str, tuple[int, Any]] | None = None) -> None:
        self._answers = {(one.method, urlsplit(one.path).path): one for one in reversed(recordings(server))}
        self._changed = changed or {}
        self.asked: list[str] = []

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.asked.append(f"{request.method} {request.url.path}")
        if request.url.path in self._changed:
            status, document = self._changed[request.url.path]
            return httpx2.Response(status, text=document) if status >= BAD else httpx2.Response(status, json=document)
        made = self._answers.get((request.method, request.url.path))
        if made is None and request.url.path.endswith("/plan"):
            made = self._answers["POST", "/v1/job/rec/plan"]
        return made.response_to(request) if made else httpx2.Response(404, text="not recorded")


def _recording(file: Path) -> Recording:
    document = json.loads(file.read_text())
    request, response = document["request"], document["response"]
    return Recording(
        server=file.parent.name,
        name=file.stem,
        method=request["method"],
        path=request["path"],
        status=response["status"],
        headers=response["headers"],
        body=response["body"],
    )
