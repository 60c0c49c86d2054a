from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import AsyncGenerator, Generator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from outrider.store.store import SqlStore, opened_store


@pytest.fixture(scope="session")
def postgres_url(program: Any) -> Generator[str]:
    """A throwaway cluster on a unix socket; PostgreSQL refuses to run as root, so root lends it to ``postgres``."""
    binaries = Path(program("postgres")).resolve().parent
    directory = Path(tempfile.mkdtemp(prefix="outrider-postgres-"))
    user = "postgres" if os.geteuid() == 0 else None
    if user:
        account = pwd.getpwnam(user)
        os.chown(directory, account.pw_uid, account.pw_gid)
    data = directory / "data"
    subprocess.run(
        [str(binaries / "initdb"), "-D", str(data), "-U", "outrider", "--auth=trust", "--no-sync"],
        check=True,
        capture_output=True,
        user=user,
    )
    settings = ("-c", "listen_addresses=", "-c", "fsync=off", "-k", str(directory))
    with (directory / "log").open("wb") as log:
        server = subprocess.Popen(
            [str(binaries / "postgres"), "-D", str(data), *settings], stdout=log, stderr=log, user=user
        )
    try:
        url = f"postgresql://outrider@/postgres?host={directory}"
        _wait(server, url, directory / "log")
        yield url
    finally:
        server.terminate()
        server.wait(30)
        shutil.rmtree(directory)


def _wait(server: subprocess.Popen[bytes], url: str, log: Path) -> None:
    give_up = time.monotonic() + 60
    while time.monotonic() < give_up:
        assert server.poll() is None, log.read_text()
        with contextlib.suppress(psycopg.OperationalError), psycopg.connect(url):
            return
        time.sleep(0.05)
    pytest.fail(f"PostgreSQL did not start: {log.read_text()}")


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.needs("postgres"))])
async def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'portal.db'}"
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture
async def store(url: str) -> AsyncGenerator[SqlStore]:
    opened = await opened_store(url)
    try:
        yield opened
    finally:
        await opened.close()
