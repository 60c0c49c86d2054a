"""The account of a load that runs in a process of its own: what was sent, what failed, what was done meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

END_S = 40.0
SHOWN = 25
HERE = Path(__file__).resolve().parent
CONSTANT_LOAD, ANSWERING_APP = HERE / "constant_load.py", HERE / "answering_app.py"
"""Programs: the load, and the application that answers it."""
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Span:
    """What was done to the callee meanwhile; monotonic seconds."""

    name: str
    begin: float
    end: float


@dataclass
class Account:
    """What the load has told so far, and what was done meanwhile."""

    sent: int = 0
    failed: dict[int, Json] = field(default_factory=dict[int, Json])
    summary: Json = field(default_factory=dict[str, Any])
    spans: list[Span] = field(default_factory=list[Span])
    kills: list[Span] = field(default_factory=list[Span])
    unexpected: list[str] = field(default_factory=list[str])

    def takes(self, line: Json) -> None:
        self.sent = line.get("sent", self.sent)
        if "failed" in line:
            self.failed[line["failed"]["number"]] = line["failed"]
        if "total" in line:
            self.summary = line

    def is_apart(self, failure: Json) -> bool:
        """Whether it is a POST that was in flight when a proxy was killed."""
        during = any(failure["started"] <= kill.end and failure["ended"] >= kill.begin for kill in self.kills)
        return failure["method"] == "POST" and during

    def during(self, failure: Json) -> str:
        """What was being done when the request ended."""
        names = [span.name for span in self.spans if span.begin <= failure["ended"] <= span.end]
        return names[0] if names else "nothing"


def told(account: Account, logged: dict[int, Json]) -> list[str]:
    """A line for each failure, at most so many."""
    lines: list[str] = []
    for number, failure in sorted(account.failed.items())[:SHOWN]:
        line = logged.get(number, {})
        flag = f"{line.get('flags')} ({line.get('details')}), {line.get('tries')} tries" if line else "not logged"
        apart = ", counted apart" if account.is_apart(failure) else ""
        took = (failure["ended"] - failure["started"]) * 1_000
        what = f"{failure['method']} {number}: {failure['status']} after {took:.0f} ms, {flag}"
        lines.append(f"{what}; during: {account.during(failure)}{apart} {failure['detail'][:120]}".rstrip())
    return lines


@contextlib.asynccontextmanager
async def loaded(address: str, rate: float, account: Account) -> AsyncGenerator[None]:
    """The load runs in a process of its own while the block does."""
    arguments = [sys.executable, str(CONSTANT_LOAD), address, str(rate)]
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*arguments, stdin=pipe, stdout=pipe)
    assert process.stdin
    reader = asyncio.create_task(_read(process, account))
    try:
        yield
        process.stdin.close()
        async with asyncio.timeout(END_S):
            await reader
            await process.wait()
    finally:
        reader.cancel()
        if process.returncode is None:
            process.kill()
            await process.wait()


async def _read(process: asyncio.subprocess.Process, account: Account) -> None:
    assert process.stdout
    async for line in process.stdout:
        account.takes(json.loads(line))
