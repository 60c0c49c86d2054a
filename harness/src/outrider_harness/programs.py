"""Programs that tests and benches start, and the folders that they run in."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import tempfile
from collections.abc import Generator, Mapping
from pathlib import Path

END_S = 10.0


class Program:
    """A running process; its output is in ``log``."""

    def __init__(self, arguments: list[str], log: Path, environment: Mapping[str, str], directory: Path) -> None:
        self.log = log
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                arguments, stdout=output, stderr=output, env=dict(environment), cwd=directory, stdin=subprocess.DEVNULL
            )

    @property
    def pid(self) -> int:
        return self.process.pid

    def output(self) -> str:
        return self.log.read_text(errors="replace")

    def end(self, *, at_once: bool = False, patience: float = END_S) -> int:
        """Ask it to end (or kill it ``at_once``) and return its code."""
        if self.process.poll() is None:
            (self.process.kill if at_once else self.process.terminate)()
        try:
            return self.process.wait(patience)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()


@contextlib.contextmanager
def short_directory() -> Generator[Path]:
    """A new directory whose path is short enough for unix sockets (107 bytes)."""
    path = Path(tempfile.mkdtemp(prefix="or", dir="/tmp"))  # unlike TMPDIR, always short
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
