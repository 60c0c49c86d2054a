"""Bytes that jobs download, by their SHA-256: uploaded through the API, fetched by Nomad's clients without a token."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import AsyncIterator
from functools import partial
from typing import IO, Annotated

from fastapi import APIRouter, Path, Request, Response, status
from fastapi.responses import StreamingResponse
from outrider_ground.edge.intake import too_large
from outrider_ground.edge.limits import MIB
from outrider_ground.edge.refusal import Refusal, TurnedAwayError

from outrider.portal.contents import Content
from outrider.portal.principal import Asker
from outrider.portal.requests import Running
from outrider.portal.responses import GUARDED, NAMED
from outrider.portal.turns import Waiting

MOST_BYTES = 100 * MIB
PIECE = 256 * 1024
FOR_EVER = "public, max-age=31536000, immutable"
Sha256 = Annotated[str, Path(pattern="^[0-9a-f]{64}$")]

upload_router = APIRouter(tags=["artifacts"], responses=GUARDED)
download_router = APIRouter(tags=["artifacts"], responses=NAMED)


@upload_router.put("/artifacts/{sha256}", status_code=status.HTTP_204_NO_CONTENT)
async def upload(request: Request, running: Running, waiting: Waiting, asker: Asker, sha256: Sha256) -> Response:
    """Keep a packed directory (.tar.gz) under its own SHA-256; at most 100 MiB."""
    if int(request.headers.get("content-length", "0")) > MOST_BYTES:
        raise TurnedAwayError(too_large(MOST_BYTES))
    # Uploads lie in files while they come: memory holds one of them at a time.
    async with waiting.uploads:
        with tempfile.TemporaryFile() as file:
            if await _received(request, file) != sha256:
                raise TurnedAwayError(
                    Refusal(400, "Other bytes", f"these bytes do not have the SHA-256 {sha256}", "Send them again.")
                )
            async with waiting.storing:
                file.seek(0)
                await running.keep_artifact(asker, file.read())
    return Response(status_code=status.HTTP_204_NO_CONTENT)


@download_router.head("/artifacts/{sha256}/{file}", include_in_schema=False)
@download_router.get(
    "/artifacts/{sha256}/{file}",
    response_class=StreamingResponse,
    responses={200: {"content": {"application/octet-stream": {}}, "description": "The bytes."}},
)
async def download(running: Running, waiting: Waiting, asker: Asker, sha256: Sha256, file: str) -> StreamingResponse:
    """The bytes; the name at the end only tells Nomad's getter what kind of archive they are."""
    del file
    content = await waiting.contents.content(sha256, partial(running.artifact, asker))
    headers = {"Cache-Control": FOR_EVER, "ETag": f'"{sha256}"', "Content-Length": str(len(content.data))}
    return StreamingResponse(_pieces(content), media_type="application/octet-stream", headers=headers)


async def _received(request: Request, file: IO[bytes]) -> str:
    """The SHA-256 of the body, which is in the file then; TurnedAwayError for one that is too large or too slow."""
    digest, size = hashlib.sha256(), 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > MOST_BYTES:
            raise TurnedAwayError(too_large(MOST_BYTES))
        digest.update(chunk)
        file.write(chunk)
    return digest.hexdigest()


async def _pieces(content: Content) -> AsyncIterator[memoryview]:
    """Small enough that a slow reader has no copy of the whole."""
    view = memoryview(content.data)
    for start in range(0, len(view), PIECE):
        yield view[start : start + PIECE]
