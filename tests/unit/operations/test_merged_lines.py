from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from outrider_ground.errors import RemoteError

from outrider.operations.look.merged_lines import GOES_ON, LONGEST, WAITING, as_they_come, one_after_another


async def said(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


async def endless(counted: list[int]) -> AsyncIterator[bytes]:
    while True:
        counted.append(1)
        yield b"more\n"
        await asyncio.sleep(0)


async def broken() -> AsyncIterator[bytes]:
    yield b"one\n"
    raise RemoteError("Nomad is away")


async def test_lines_stay_whole_however_they_were_cut() -> None:
    streams = {"a": said(b"on", b"e\ntw", b"o"), "b": said(b"\n")}
    assert [line async for line in one_after_another(streams)] == [b"a  one\n", b"a  two\n", b"b  \n"]


async def test_a_line_without_an_end_is_not_held_for_ever() -> None:
    found = [line async for line in one_after_another({"a": said(b"x" * (LONGEST + 5))})]
    assert [len(line) for line in found] == [3 + LONGEST + len(GOES_ON), 3 + 5 + 1]


async def test_a_reader_that_is_slow_makes_the_streams_wait() -> None:
    counted: list[int] = []
    merged = as_they_come({"a": endless(counted)})
    await anext(merged)
    await asyncio.sleep(0.05)
    assert len(counted) <= WAITING + 3
    await merged.aclose()


async def test_a_stream_that_fails_ends_the_whole_with_its_error() -> None:
    merged = as_they_come({"a": broken(), "b": endless([])})
    with pytest.raises(RemoteError, match="Nomad is away"):
        [line async for line in merged]
