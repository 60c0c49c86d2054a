"""Several streams of output as one: whole lines, each with the name of its stream in front."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Mapping

LONGEST = 64 * 1024
"""Bytes of a line without an end that are held back before they are passed on as a line of their own."""
GOES_ON = b" [cut: this line goes on]\n"
WAITING = 256
"""Lines that wait for the reader before the streams have to wait."""


async def one_after_another(streams: Mapping[str, AsyncIterator[bytes]]) -> AsyncGenerator[bytes]:
    """Each stream to its end, in their order."""
    for name, stream in streams.items():
        async for line in _named(name, stream):
            yield line


async def as_they_come(streams: Mapping[str, AsyncIterator[bytes]]) -> AsyncGenerator[bytes]:
    """The lines of all streams until the last has ended; a stream that fails ends the whole with its error."""
    lines: asyncio.Queue[bytes | BaseException | None] = asyncio.Queue(WAITING)
    readers = [asyncio.create_task(_read(name, stream, lines)) for name, stream in streams.items()]
    try:
        left = len(readers)
        while left:
            line = await lines.get()
            if isinstance(line, BaseException):
                raise line
            if line is None:
                left -= 1
            else:
                yield line
    finally:
        for reader in readers:
            reader.cancel()
        await asyncio.gather(*readers, return_exceptions=True)


async def _read(name: str, stream: AsyncIterator[bytes], lines: asyncio.Queue[bytes | BaseException | None]) -> None:
    try:
        async for line in _named(name, stream):
            await lines.put(line)
    except Exception as error:  # noqa: BLE001  it is raised again where the lines are read
        await lines.put(error)
    else:
        await lines.put(None)


async def _named(name: str, stream: AsyncIterator[bytes]) -> AsyncGenerator[bytes]:
    front, rest = f"{name}  ".encode(), b""
    async for chunk in stream:
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            yield front + line + b"\n"
        while len(rest) > LONGEST:
            yield front + rest[:LONGEST] + GOES_ON
            rest = rest[LONGEST:]
    if rest:
        yield front + rest + b"\n"
