"""A throwaway PostgreSQL on a unix socket, which can be ended and started again in the middle of a test."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg


@dataclass
class Postgres:
    """One cluster in a directory of its own; it refuses to run as root, so root lends it to ``postgres``."""

    binaries: Path
    directory: Path
    user: str | None
    options: tuple[str, ...] = ()
    server: subprocess.Popen[bytes] | None = None

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://outrider@/{database}?host={self.directory}"

    def new_database(self) -> str:
        """The URL of an empty database."""
        name = f"d{uuid.uuid4().hex}"
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")  # type: ignore[arg-type]
        return self.url(name)

    def start(self) -> None:
        settings = ("-c", "listen_addresses=", "-c", "fsync=off", "-k", str(self.directory), *self.options)
        with (self.directory / "log").open("ab") as log:
            self.server = subprocess.Popen(
                [str(self.binaries / "postgres"), "-D", str(self.directory / "data"), *settings],
                stdout=log,
                stderr=log,
                user=self.user,
            )
        self._wait()

    def stop(self, how: int = signal.SIGINT) -> None:
        """SIGINT ends connections too (fast), SIGTERM would wait for them."""
        assert self.server
        self.server.send_signal(how)
        self.server.wait(30)

    def _wait(self) -> None:
        give_up = time.monotonic() + 60
        while time.monotonic() < give_up:
            assert self.server
            assert self.server.poll() is None, (self.directory / "log").read_text()
            with contextlib.suppress(psycopg.OperationalError), psycopg.connect(self.url()):
                return
            time.sleep(0.05)
        raise TimeoutError((self.directory / "log").read_text())


@contextmanager
def running_postgres(program: str, *options: str) -> Generator[Postgres]:
    """A cluster that is gone after the block."""
    binaries, directory = Path(program).resolve().parent, Path(tempfile.mkdtemp(prefix="outrider-postgres-"))
    user = "postgres" if os.geteuid() == 0 else None
    if user:
        account = pwd.getpwnam(user)
        os.chown(directory, account.pw_uid, account.pw_gid)
    subprocess.run(
        [str(binaries / "initdb"), "-D", str(directory / "data"), "-U", "outrider", "--auth=trust", "--no-sync"],
        check=True,
        capture_output=True,
        user=user,
    )
    made = Postgres(binaries, directory, user, options)
    try:
        made.start()
        yield made
    finally:
        if made.server and made.server.poll() is None:
            made.stop()
        shutil.rmtree(directory)
