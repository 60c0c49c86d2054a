"""Bytes that jobs download, by their SHA-256: uploaded through the API, fetched by Nomad's clients without a token."""

from __future__ import annotations

import hashlib
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response, status

from outrider.portal.problems import problem
from outrider.portal.requests import Running

MOST_BYTES = 100 * 1024 * 1024
FOR_EVER = "public, max-age=31536000, immutable"
Sha256 = Annotated[str, Path(pattern="^[0-9a-f]{64}$")]

upload_router = APIRouter(tags=["artifacts"])
download_router = APIRouter(tags=["artifacts"])


@upload_router.put("/artifacts/{sha256}", status_code=status.HTTP_204_NO_CONTENT)
async def upload(request: Request, running: Running, sha256: Sha256) -> Response:
    """Keep a packed directory (.tar.gz) under its own SHA-256."""
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > MOST_BYTES:
            return problem(413, "Too large", f"an artifact may have at most {MOST_BYTES >> 20} MB")
    if hashlib.sha256(content).hexdigest() != sha256:
        return problem(
            400, "Other bytes", f"these bytes do not have the SHA-256 {sha256}", next_step="Send them again."
        )
    await running.keep_artifact(bytes(content))
    return Response(status_code=status.HTTP_204_NO_CONTENT)


@download_router.head("/artifacts/{sha256}/{file}", include_in_schema=False)
@download_router.get("/artifacts/{sha256}/{file}")
async def download(running: Running, sha256: Sha256, file: str) -> Response:
    """The bytes; the name at the end only tells Nomad's getter what kind of archive they are."""
    del file
    content = await running.artifact(sha256)
    headers = {"Cache-Control": FOR_EVER, "ETag": f'"{sha256}"', "X-Content-Type-Options": "nosniff"}
    return Response(content, media_type="application/octet-stream", headers=headers)
