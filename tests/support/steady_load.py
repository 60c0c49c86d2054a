"""GET and POST at a constant rate from a process of its own, while a block runs."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Generator, Sequence

from outrider_harness.account import CONSTANT_LOAD, Account

RATE = 100.0
END_S = 40.0


@contextlib.contextmanager
def steady_load(port: int, rate: float = RATE, within: Sequence[str] = ()) -> Generator[Account]:
    """The account is filled after the block; requests have begun before it.

    ``within`` is the command that comes before the load's own, such as one that enters a namespace.
    """
    account = Account()
    arguments = [*within, sys.executable, str(CONSTANT_LOAD), f"http://127.0.0.1:{port}", str(rate)]
    process = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdin
        assert process.stdout
        account.takes(json.loads(process.stdout.readline()))
        yield account
        process.stdin.close()
        for line in process.stdout:
            account.takes(json.loads(line))
        assert process.wait(END_S) == 0
    finally:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe:
                pipe.close()
