"""Bytes that jobs download, by their SHA-256: uploaded through the API, fetched by Nomad's clients without a token."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import StreamingResponse
from outrider_ground.edge.intake import too_large
from outrider_ground.edge.limits import MIB
from outrider_ground.edge.refusal import Refusal, TurnedAwayError

from outrider.operations.answers.uploaded import ArtifactList, Uploaded
from outrider.operations.artifact_repository import OtherBytesError
from outrider.operations.records import Artifact
from outrider.portal.principal import Asker
from outrider.portal.ranges import part_of
from outrider.portal.requests import Running
from outrider.portal.responses import GUARDED, NAMED, Responses
from outrider.portal.turns import Waiting

FOR_EVER = "public, max-age=31536000, immutable"
Sha256 = Annotated[str, Path(pattern="^[0-9a-f]{64}$")]
Word = Annotated[str, Path(pattern="^[A-Za-z0-9_-]{43}$")]
BYTES: Responses = {
    200: {"content": {"application/octet-stream": {}}, "description": "The bytes."},
    206: {"content": {"application/octet-stream": {}}, "description": "The range of them that was asked for."},
    304: {"description": "They are those that you have."},
    416: {"description": "They are fewer than the range that was asked for begins with."},
}

upload_router = APIRouter(tags=["artifacts"], responses=GUARDED)
download_router = APIRouter(tags=["artifacts"], responses=NAMED)


@upload_router.get("/artifacts")
async def uploads(running: Running, asker: Asker) -> ArtifactList:
    """What is stored, the newest first, each with the versions that need it."""
    return await running.artifacts(asker)


@upload_router.head("/artifacts/{sha256}", include_in_schema=False)
@upload_router.get("/artifacts/{sha256}", responses=NAMED)
async def uploaded(running: Running, asker: Asker, sha256: Sha256) -> Uploaded:
    """Whether these bytes are stored, and where nodes fetch them; asked for, they stay for another day."""
    return await running.uploaded(asker, sha256)


@upload_router.put("/artifacts/{sha256}")
async def upload(request: Request, running: Running, waiting: Waiting, asker: Asker, sha256: Sha256) -> Uploaded:
    """Keep a file or a packed directory (.tar.gz) under its own SHA-256; `keep.upload_mib` of the platform is the most."""
    most = running.platform.keep.upload_mib * MIB
    if int(request.headers.get("content-length", "0")) > most:
        raise TurnedAwayError(too_large(most))
    async with waiting.uploads:
        try:
            return await running.keep_artifact(asker, _bounded(request.stream(), most), sha256)
        except OtherBytesError as error:
            raise TurnedAwayError(Refusal(400, "Other bytes", error.message, error.next_step)) from error


@download_router.head("/artifacts/{sha256}/{word}/{file}", include_in_schema=False)
@download_router.get("/artifacts/{sha256}/{word}/{file}", response_class=StreamingResponse, responses=BYTES)
async def download(request: Request, running: Running, asker: Asker, sha256: Sha256, word: Word, file: str) -> Response:
    """The bytes; the name at the end, which is free, only tells Nomad's getter what kind of archive they are."""
    del file
    return await _sent(request, running, asker, await running.fetched(asker, sha256, word))


@download_router.head("/artifacts/{sha256}/{file}", include_in_schema=False)
@download_router.get("/artifacts/{sha256}/{file}", include_in_schema=False)
async def download_by_hash(request: Request, running: Running, asker: Asker, sha256: Sha256, file: str) -> Response:
    """What was uploaded when addresses were made of the hash alone: jobs of that time still run, and are placed again."""
    del file
    return await _sent(request, running, asker, await running.fetched(asker, sha256, None))


async def _sent(request: Request, running: Running, asker: Asker, artifact: Artifact) -> Response:
    etag = f'"{artifact.sha256}"'
    part = part_of(artifact.size, etag, request.headers)
    headers = {"Cache-Control": FOR_EVER, "ETag": etag, "Accept-Ranges": "bytes", **part.headers}
    if part.start == part.stop or request.method == "HEAD":
        return Response(status_code=part.status, headers=headers, media_type="application/octet-stream")
    content = await running.content(asker, artifact, part.start, part.stop)
    return StreamingResponse(content, part.status, headers, "application/octet-stream")


async def _bounded(content: AsyncIterator[bytes], most: int) -> AsyncIterator[bytes]:
    """TurnedAwayError as soon as more has come than may."""
    size = 0
    async for piece in content:
        size += len(piece)
        if size > most:
            raise TurnedAwayError(too_large(most))
        yield piece
