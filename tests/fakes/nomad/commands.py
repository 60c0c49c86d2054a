"""Commands in the Nomad in memory: a few words that it knows, in Nomad's frames, without a process."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from typing import Any

from outrider_ground.errors import RemoteError

Json = dict[str, Any]
REFUSED_S = 0.05
MISSING = "rpc error: code = Unknown desc = failed to start command: fork/exec {}: no such file or directory"


class CommandInMemory:
    """``cat`` answers what it is told, ``code N`` ends with N, ``hang`` says nothing; all others cannot be found.

    ``forbidden`` is refused a moment after it was asked for, and without the reason once something was passed on to it.
    """

    def __init__(self, words: tuple[str, ...]) -> None:
        self.words = words
        self.heard: list[Json] = []
        self._said: asyncio.Queue[Json | RemoteError] = asyncio.Queue()
        program, *rest = words
        if program == "code":
            self.say("stderr", b"so it ends\n")
            self.exit(int(rest[0]))
        elif program == "forbidden":
            asyncio.get_running_loop().call_later(REFUSED_S, self._refuse)
        elif program not in {"cat", "hang", "/bin/sh"}:
            self.end(MISSING.format(program))

    def _refuse(self) -> None:
        self.end("the connection has ended" if self.heard else "Permission denied")

    async def send(self, frame: Json) -> None:
        self.heard.append(frame)
        said = frame.get("stdin") or {}
        if self.words[0] == "cat" and said.get("data"):
            self.say("stdout", base64.b64decode(said["data"]))
        if self.words[0] == "cat" and said.get("close"):
            self.exit(0)

    async def received(self) -> AsyncIterator[Json]:
        while True:
            found = await self._said.get()
            if isinstance(found, RemoteError):
                raise found
            yield found

    def say(self, stream: str, data: bytes) -> None:
        self._said.put_nowait({stream: {"data": base64.b64encode(data).decode()}})

    def exit(self, code: int) -> None:
        self._said.put_nowait({stream: {"close": True} for stream in ("stdout",)})
        self._said.put_nowait({"exited": True, "result": {"exit_code": code} if code else {}})

    def end(self, reason: str) -> None:
        """As Nomad ends a session before its command has ended."""
        self._said.put_nowait(RemoteError(f"Nomad ended it: {reason}"))
