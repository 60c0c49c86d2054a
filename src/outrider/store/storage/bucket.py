"""A bucket of an S3-compatible server as a place for bytes; the wire is obstore's business."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import S3Store
from outrider_ground.errors import RemoteError

from outrider.store.storage.storage import OBJECTS, PIECE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Generator
    from datetime import datetime

    from outrider.server_settings import S3Settings

PART = 8 * 1024 * 1024
PARTS_AT_ONCE = 3
"""So much of a file is in memory while it is sent: parts at once times their size."""
PATIENCE = {"timeout": "120s", "connect_timeout": "5s"}
TRIES = {"max_retries": 3}


class Bucket:
    """Objects of one bucket, below a prefix; ``endpoint`` is the server's address where it is not Amazon's."""

    def __init__(self, name: str, prefix: str, settings: S3Settings) -> None:
        self.place = f"s3://{name}/{prefix}".rstrip("/")
        self.incoming = Path(tempfile.gettempdir())
        given = {
            "endpoint": settings.endpoint,
            "region": settings.region or "us-east-1",
            "access_key_id": settings.access_key,
            "secret_access_key": settings.secret_key,
            "session_token": settings.session_token,
        }
        client = {**PATIENCE, "allow_http": (settings.endpoint or "").startswith("http://")}
        self._store = S3Store(
            name,
            prefix=prefix or None,
            config={key: value for key, value in given.items() if value is not None},  # pyright: ignore[reportArgumentType]
            client_options=client,  # pyright: ignore[reportArgumentType]
            retry_config=TRIES,  # pyright: ignore[reportArgumentType]
        )

    async def put(self, key: str, file: Path) -> None:
        """Send the file part by part; the object is there with the last one."""
        with self._told():
            await obstore.put_async(self._store, key, file, chunk_size=PART, max_concurrency=PARTS_AT_ONCE)
        await asyncio.to_thread(file.unlink, missing_ok=True)

    async def opened(self, key: str, start: int, stop: int) -> AsyncIterator[bytes] | None:
        with self._told():
            try:
                wanted = {"range": (start, stop)} if stop > start else {}
                found = await obstore.get_async(self._store, key, options=wanted)  # pyright: ignore[reportArgumentType]
            except FileNotFoundError:
                return None
        return self._pieces(found) if stop > start else _nothing()

    async def size(self, key: str) -> int | None:
        with self._told():
            try:
                return (await obstore.head_async(self._store, key))["size"]
            except FileNotFoundError:
                return None

    async def delete(self, key: str) -> None:
        with self._told(), contextlib.suppress(FileNotFoundError):
            await obstore.delete_async(self._store, key)

    async def older(self, before: datetime) -> AsyncIterator[str]:
        with self._told():
            async for some in obstore.list(self._store, prefix=OBJECTS):  # pyright: ignore[reportUnknownMemberType]
                for one in some:
                    if one["last_modified"] < before:
                        yield one["path"]

    async def word(self, key: str) -> str | None:
        with self._told():
            try:
                found = await obstore.get_async(self._store, key)
                return bytes(await found.bytes_async()).decode().strip()
            except FileNotFoundError:
                return None

    async def add_word(self, key: str, word: str) -> None:
        with self._told(), contextlib.suppress(AlreadyExistsError):
            await obstore.put_async(self._store, key, f"{word}\n".encode(), mode="create")

    async def _pieces(self, found: obstore.GetResult) -> AsyncIterator[bytes]:
        with self._told():
            async for piece in found.stream(min_chunk_size=PIECE):
                yield bytes(piece)

    @contextlib.contextmanager
    def _told(self) -> Generator[None]:
        try:
            yield
        except (BaseError, OSError) as error:
            raise RemoteError(
                f"the storage of artifacts {self.place} does not do its part: {_first_line(error)}",
                status=503,
                next_step="Look at the bucket, its address and the AWS_* variables of the portal, then try again.",
            ) from error


def _first_line(error: Exception) -> str:
    """The library shows its inside in the lines after."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:500]


async def _nothing() -> AsyncIterator[bytes]:
    for none in ():
        yield none
