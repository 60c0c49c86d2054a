"""A program that tells what it was given: arguments, environment and files as one line of JSON; then it serves HTTP.

Its first argument says how it goes on: ``serve`` (see ``Answer``), ``exit CODE``, or ``complain`` (writes to
stderr and exits with 3).
"""

from __future__ import annotations

import contextlib
import http.server
import json
import os
import signal
import stat
import sys
import time
from pathlib import Path
from types import FrameType

ANSWERS = {
    "ill": (500, b""),
    "moved": (302, b""),
    "circle": (302, b""),
    "much": (200, b"".join(b"%09d\n" % number for number in range(900))),
    "bytes": (200, b"a\xe9b\x00c"),
}
MOVED = {"moved": "/echo", "circle": "/circle"}
TURNS = {"SIGHUP", "SIGUSR2"}
"""The signals after which it goes on."""


def told(**more: object) -> None:
    """Write a line: what is seen now, and ``more``."""
    files = {path: _file(Path(path)) for path in sorted(map(str, Path().rglob("*"))) if Path(path).is_file()}
    line = {"arguments": sys.argv[1:], "environment": dict(os.environ), "files": files, **more}
    print(json.dumps(line), flush=True)


def _file(path: Path) -> list[str]:
    """Its mode in octal digits, and its text."""
    mode = f"{stat.S_IMODE(path.stat().st_mode):04o}"
    return [mode, path.read_bytes().decode("utf-8", "backslashreplace")]


class Answer(http.server.BaseHTTPRequestHandler):
    """200 for every path but those of ``ANSWERS``, ``/status/CODE``, and ``/echo``, which tells what was asked."""

    protocol_version = "HTTP/1.1"

    def answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        self.rfile.read(length)
        _, word, *rest = self.path.split("/")
        if word == "slow":
            time.sleep(30)
        if word == "break":
            self.close_connection = True
            return
        if word == "echo":
            told = [f"{name}: {value}" for name, value in self.headers.items() if name != "Referer"]
            self.say(200, "\n".join([self.requestline, *sorted(told)]).encode("latin-1"))
        elif word == "status":
            self.say(int(rest[0]), b"")
        else:
            self.say(*ANSWERS.get(word, (200, b"")), location=MOVED.get(word))

    do_GET = do_HEAD = do_POST = do_PUT = do_OPTIONS = answer  # noqa: N815  # the names are the library's

    def say(self, status: int, body: bytes, location: str | None = None) -> None:
        self.send_response_only(status)
        self.send_header("Content-Length", str(len(body)))
        if location:
            self.send_header("Location", location)
        self.end_headers()
        if self.command != "HEAD":
            # Who waits no longer has gone, which is no word of this app.
            with contextlib.suppress(ConnectionError):
                self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name is the library's
        """Its output is what it was given, and nothing else."""


def _on_signal(number: int, _frame: FrameType | None) -> None:
    name = signal.Signals(number).name
    told(signal=name)
    if name not in TURNS:
        os._exit(0)


def main(how: str = "serve", code: str = "0") -> None:
    for name in ("SIGHUP", "SIGUSR1", "SIGUSR2", "SIGTERM", "SIGINT", "SIGQUIT", "SIGWINCH"):
        signal.signal(signal.Signals[name], _on_signal)
    told()
    if how == "complain":
        print("the database is away", file=sys.stderr, flush=True)
        sys.exit(3)
    if how == "exit":
        sys.exit(int(code))
    address = os.environ.get("HOST", "127.0.0.1"), int(os.environ.get("PORT", "0"))
    http.server.ThreadingHTTPServer(address, Answer).serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:3])
