"""The person's terminal while a command elsewhere has it: raw, with its size, and with the way out that ssh has."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import termios
import tty
from collections.abc import AsyncIterator, Generator
from contextlib import contextmanager
from typing import TextIO

CHUNK = 32_768
TILDE, DOT = ord("~"), ord(".")


class Escape:
    """Finds ``~.`` at the beginning of a line, which hangs up; ``~~`` there is one ``~``."""

    def __init__(self) -> None:
        self._begins, self._held = True, False

    def passed(self, typed: bytes) -> tuple[bytes, bool]:
        """What of it the command gets, and whether the person hangs up."""
        passed = bytearray()
        for byte in typed:
            if self._held and byte == DOT:
                return bytes(passed), True
            if self._begins and not self._held and byte == TILDE:
                self._held = True
                continue
            if self._held and byte != TILDE:
                passed.append(TILDE)
            passed.append(byte)
            self._held, self._begins = False, byte in b"\r\n"
        return bytes(passed), False


def file_of(stream: TextIO | None) -> int | None:
    """The number of the file that a stream is, where it is one."""
    try:
        return stream.fileno() if stream else None
    except (OSError, ValueError):
        return None


def is_interactive() -> bool:
    """Whether a person types and reads at a terminal."""
    return all(file is not None and os.isatty(file) for file in (file_of(sys.stdin), file_of(sys.stdout)))


@contextmanager
def raw(file: int) -> Generator[None]:
    """Every key goes to the command, Ctrl-C too; afterwards the terminal is as it was. What was typed ahead is kept."""
    before = termios.tcgetattr(file)
    tty.setraw(file, termios.TCSANOW)
    try:
        yield
    finally:
        termios.tcsetattr(file, termios.TCSADRAIN, before)


async def sizes(file: int) -> AsyncIterator[tuple[int, int]]:
    """Rows and columns, now and whenever they change."""
    loop, changed = asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(signal.SIGWINCH, changed.set)
    try:
        while True:
            changed.clear()
            found = os.get_terminal_size(file)
            yield found.lines, found.columns
            await changed.wait()
    finally:
        loop.remove_signal_handler(signal.SIGWINCH)


async def chunks(file: int) -> AsyncIterator[bytes]:
    """What comes from a terminal, a pipe or a file, to its end."""
    while data := await _chunk(file):
        yield data


async def _chunk(file: int) -> bytes:
    loop, ready = asyncio.get_running_loop(), asyncio.Event()
    try:
        loop.add_reader(file, ready.set)
    except PermissionError:  # a file of a disk: it is always ready, and the loop waits for none
        return await asyncio.to_thread(os.read, file, CHUNK)
    try:
        await ready.wait()
        return os.read(file, CHUNK)
    except OSError:  # the terminal is gone
        return b""
    finally:
        loop.remove_reader(file)
