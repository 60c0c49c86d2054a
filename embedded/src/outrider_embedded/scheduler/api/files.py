"""/v1/client/fs: files of an allocation, read where they lie, and the logs of its tasks."""

from __future__ import annotations

import asyncio
import base64
import json
import mimetypes
import stat
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from outrider_embedded.logs import Frame, frames, start_position
from outrider_embedded.scheduler.api.answers import document, error
from outrider_embedded.scheduler.client import Client
from outrider_embedded.scheduler.documents import Document
from outrider_embedded.scheduler.environment import Directories
from outrider_embedded.scheduler.refusal import RefusalError

_SAFE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
    "X-Content-Type-Options": "nosniff",
    "X-Xss-Protection": "1; mode=block",
    "Vary": "Accept-Encoding",
}
_HEARTBEAT_S = 10.0
_CHUNK = 1 << 16
_LOOK_S = 0.1


class FileCalls:
    """The calls that read files of allocations; ``directory`` holds one per allocation."""

    def __init__(self, client: Client, directory: Path) -> None:
        self._client, self._directory = client, directory

    async def ls(self, request: Request) -> Response:
        path = self._path(request)
        if not path.is_dir():
            raise RefusalError(500, f"readdirent {path.name}: not a directory")
        return document([_entry(one) for one in sorted(path.iterdir())])

    async def stat(self, request: Request) -> Response:
        path = self._path(request)
        kind = {"ContentType": mimetypes.guess_type(path.name)[0] or "text/plain; charset=utf-8"}
        return document(_entry(path) | (kind if path.is_file() else {}))

    async def cat(self, request: Request) -> Response:
        return self._content(request, 0, None)

    async def readat(self, request: Request) -> Response:
        return self._content(request, _number(request, "offset"), _number(request, "limit"))

    def _content(self, request: Request, offset: int, limit: int | None) -> Response:
        """A file's bytes; what is wrong with the path is told in a body with status 200, as Nomad does."""
        self._root(request)
        try:
            return _file(self._path(request), offset, limit)
        except RefusalError as refusal:
            return error(200, refusal.text)

    async def stream(self, request: Request) -> Response:
        """One file, framed; followed unless the query says no."""
        path, query = self._path(request), request.query_params
        offset = _number(request, "offset")
        if query.get("origin") == "end":
            offset = max(0, path.stat().st_size - offset)
        is_followed = query.get("follow", "true") != "false"
        relative = str(path.relative_to(self._root(request)))
        return StreamingResponse(_tail(path, relative, offset, is_followed), media_type="application/json")

    async def logs(self, request: Request) -> Response:
        """A task's output; without ``follow`` it ends at what there is now."""
        query = request.query_params
        task, kind, origin = query.get("task", ""), query.get("type", ""), query.get("origin", "start")
        if not task:
            raise RefusalError(400, "must provide task name")
        if kind not in {"stdout", "stderr"}:
            raise RefusalError(400, "must provide log type (stdout/stderr)")
        if origin not in {"start", "end"}:
            raise RefusalError(400, "origin must be start or end")
        runner = self._client.runners.get(request.path_params["id"])
        logs = Directories(self._root(request)).logs
        if runner is not None and task not in runner.tasks:
            raise RefusalError(400, f'unknown task name "{task}"')
        follow, plain = _is_true(request, "follow"), _is_true(request, "plain")
        place = start_position(logs, f"{task}.{kind}", origin, _number(request, "offset"))

        def is_over() -> bool:
            return not follow or runner is None or runner.done.is_set()

        pieces = frames(logs, f"{task}.{kind}", place, is_over)
        shown = _plain(pieces) if plain else _framed(pieces)
        media = "text/plain" if plain else "application/json"
        return StreamingResponse(shown, headers={"Vary": "Accept-Encoding", "Content-Type": media})

    def _root(self, request: Request) -> Path:
        root = self._directory / request.path_params["id"]
        if "/" in request.path_params["id"] or not root.is_dir():
            raise RefusalError(404, f'Unknown allocation "{request.path_params["id"]}"')
        return root

    def _path(self, request: Request) -> Path:
        """The file or directory that is asked for, where it lies within the allocation. Raises RefusalError."""
        root = self._root(request)
        asked = request.query_params.get("path", "/")
        path = (root / asked.lstrip("/")).resolve()
        if not path.is_relative_to(root.resolve()):
            raise RefusalError(500, "Path escapes the alloc directory")
        if "secrets" in path.relative_to(root.resolve()).parts[1:2]:
            raise RefusalError(500, "Reading secret file prohibited: " + asked)
        if not path.exists():
            raise RefusalError(404, f"stat {path}: no such file or directory")
        return path


def _is_true(request: Request, name: str) -> bool:
    return request.query_params.get(name, "") in {"true", "1"}


def _number(request: Request, name: str) -> int:
    text = request.query_params.get(name, "0")
    if not text.lstrip("-").isdecimal():
        raise RefusalError(400, f'error parsing {name}: strconv.ParseInt: parsing "{text}": invalid syntax')
    return int(text)


def _entry(path: Path) -> Document:
    found = path.stat()
    modified = datetime.fromtimestamp(found.st_mtime, UTC).isoformat().replace("+00:00", "Z")
    return {
        "FileMode": stat.filemode(found.st_mode),
        "IsDir": path.is_dir(),
        "ModTime": modified,
        "Name": path.name,
        "Size": found.st_size,
    }


def _file(path: Path, offset: int, limit: int | None) -> Response:
    if not path.is_file():
        raise RefusalError(500, "file is a directory")
    with path.open("rb") as file:
        file.seek(offset)
        data = file.read(limit if limit is not None else -1)
    headers = {**_SAFE_HEADERS, "Content-Type": "text/plain; charset=utf-8"}
    return Response(data, headers=headers)


async def _plain(pieces: AsyncIterator[Frame | None]) -> AsyncIterator[bytes]:
    async for piece in pieces:
        if piece is not None:
            yield piece.data


async def _framed(pieces: AsyncIterator[Frame | None]) -> AsyncIterator[bytes]:
    """JSON objects one after the other; an empty one now and then shows that the stream lives."""
    loop = asyncio.get_running_loop()
    last = loop.time()
    async for piece in pieces:
        if piece is not None:
            yield _frame(piece)
            last = loop.time()
        elif loop.time() - last > _HEARTBEAT_S:
            yield b"{}"
            last = loop.time()


def _frame(piece: Frame) -> bytes:
    data = base64.b64encode(piece.data).decode()
    return json.dumps({"Data": data, "File": piece.file, "Offset": piece.offset}, separators=(",", ":")).encode()


async def _tail(path: Path, name: str, offset: int, is_followed: bool) -> AsyncIterator[bytes]:  # noqa: FBT001
    while True:
        with path.open("rb") as file:
            file.seek(offset)
            data = file.read(_CHUNK)
        if data:
            offset += len(data)
            yield _frame(Frame(data, name, offset))
        elif is_followed:
            await asyncio.sleep(_LOOK_S)
        else:
            return
