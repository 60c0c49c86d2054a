"""A person at a terminal: a program that has one, keys that are pressed, and what is on the screen."""

from __future__ import annotations

import asyncio
import fcntl
import os
import struct
import termios
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

LONG_S = 30.0


class Person:
    """Who sits before a program."""

    def __init__(self, master: int, slave: int, process: asyncio.subprocess.Process) -> None:
        self._master, self._slave, self.process = master, slave, process
        self.screen = b""

    def types(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    def resizes(self, rows: int, columns: int) -> None:
        resize(self._master, rows, columns)

    async def sees(self, text: str) -> None:
        """Wait until it is on the screen, and look at what comes after it from then on."""
        async with asyncio.timeout(LONG_S):
            while text.encode() not in self.screen:  # noqa: ASYNC110 - a terminal tells nobody
                await asyncio.sleep(0.05)
        self.screen = self.screen.partition(text.encode())[2]

    async def leaves(self) -> int:
        """The exit code of what ran."""
        async with asyncio.timeout(LONG_S):
            return await self.process.wait()

    @property
    def settings(self) -> list[Any]:
        """Those of the terminal: whether it echoes, whether Ctrl-C is a signal."""
        return termios.tcgetattr(self._slave)

    def reads(self) -> None:
        try:
            self.screen += os.read(self._master, 65_536)
        except OSError:
            asyncio.get_running_loop().remove_reader(self._master)


def resize(terminal: int, rows: int, columns: int) -> None:
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


@asynccontextmanager
async def person(
    command: Sequence[str], environment: Mapping[str, str], *, size: tuple[int, int] = (24, 80)
) -> AsyncGenerator[Person]:
    """The program before a person, until the block ends."""
    master, slave = os.openpty()
    resize(slave, *size)
    process = await asyncio.create_subprocess_exec(
        *command,
        env=environment,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )
    made = Person(master, slave, process)
    loop = asyncio.get_running_loop()
    loop.add_reader(master, made.reads)
    try:
        yield made
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        loop.remove_reader(master)
        os.close(slave)
        os.close(master)
