"""A connection to a redis: one command, one answer, and nothing that a client library would smooth over."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from dataclasses import dataclass

Answer = str | int | None | list["Answer"]
PATIENCE_S = 20.0


class Refusal(str):
    """An error as redis or the proxy sent it, told apart from a string of the same letters."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"-{self}"


@dataclass(frozen=True, slots=True)
class RedisClient:
    """Text is Latin-1 both ways, so that every byte has a letter and comes back as it went."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def says(self, *words: str) -> Answer:
        """The answer to one command."""
        self.sends(*words)
        return await self.hears()

    def sends(self, *words: str) -> None:
        self.writer.write(written(*words))

    async def hears(self) -> Answer:
        """The next answer; a test that waits in vain fails by the deadline."""
        async with asyncio.timeout(PATIENCE_S):
            return await _answer(self.reader)


def written(*words: str) -> bytes:
    """A command as a client library writes it: an array of bulk strings."""
    encoded = [word.encode("latin-1") for word in words]
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in encoded)


async def _answer(reader: asyncio.StreamReader) -> Answer:
    line = (await reader.readuntil(b"\r\n"))[:-2].decode("latin-1")
    kind, rest = line[0], line[1:]
    if kind == "+":
        return rest
    if kind == "-":
        return Refusal(rest)
    if kind == ":":
        return int(rest)
    size = int(rest)
    if size < 0:
        return None
    if kind == "$":
        return (await reader.readexactly(size + 2))[:-2].decode("latin-1")
    return [await _answer(reader) for _ in range(size)]


@contextlib.asynccontextmanager
async def redis_client(port: int) -> AsyncGenerator[RedisClient]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 26)
    try:
        yield RedisClient(reader, writer)
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
