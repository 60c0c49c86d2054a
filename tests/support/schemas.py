"""Databases as earlier Outriders have left them: dumps of each released form, and how the next one is made.

As a program it writes those of the steps that it is told, when they are released: ``python tests/support/schemas.py
postgresql://… 0006``, with a database that may be emptied. A dump that is there stays as it was released.
"""

from __future__ import annotations

import datetime as dt
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from outrider.store.database import MIGRATIONS

DUMPS = Path(__file__).parents[1] / "recordings" / "schemas"
CONTENT = b"a packed directory " * 4
SHA256 = "063fa9628ce1838300f6ec9db33ade7e0c979820beebafb7ebc6bfd012dad817"
NOON = dt.datetime(2026, 11, 27, 12, tzinfo=dt.UTC)
# Since 0006 the bytes lie elsewhere; these columns say where.
PLACED = {"size": len(CONTENT), "object": "", "by_hash": True}
# Durations in milliseconds were stored up to 0003, as text from 0004 on.
MERGED = {
    "service": "checkout",
    "run": {"command": ["app"], "directory": "."},
    "stop": {"delay": 2000, "timeout": 60000},
}
WRITTEN = {**MERGED, "stop": {"delay": "2s", "timeout": "1m"}}
DEPLOYMENT: dict[str, Any] = {
    "environment": "stage",
    "service": "checkout",
    "kind": "run",
    "state": "successful",
    "created_by": "ada",
    "created_at": NOON,
    "purge": False,
    "expected_index": 0,
    "reason": "all allocations are healthy",
}


def rows(revision: str) -> dict[str, list[dict[str, Any]]]:
    """By table, parents first; a column that a step does not have is left out."""
    version = {
        "environment": "stage", "service": "checkout", "hash": "abc", "protocol": "http", "file": "checkout.yaml",
        "spec": "service: checkout\n", "merged": WRITTEN if revision >= "0004" else MERGED, "job": {"ID": "checkout"},
        "bootstrap": None, "created_by": "ada", "created_at": NOON, "format": 1,
    }  # fmt: skip
    done = [
        {**DEPLOYMENT, "id": "d1", "version": 1, "modify_index": 11, "idempotency_key": "k1", "request_hash": "h1"},
        {**DEPLOYMENT, "id": "d2", "version": 2, "modify_index": 2**40, "created_at": NOON + dt.timedelta(hours=1)},
    ]
    event = {"deployment": "d1", "at": NOON, "kind": "warning", "message": "a line", "detail": {}}
    return {
        "services": [{"environment": "stage", "name": "checkout", "latest": 2, "protocol": "http"}],
        "versions": [{**version, "number": number} for number in (1, 2)],
        "artifacts": [{"sha256": SHA256, "content": CONTENT, "added_at": NOON, **PLACED}],
        "version_artifacts": [{"environment": "stage", "service": "checkout", "number": 2, "sha256": SHA256}],
        "deployments": done,
        "requests": [{"key": "k1", "hash": "h1", "deployment": "d1"}],
        "events": [{**event, "number": number} for number in (1, 2)],
    }


def restore_sqlite(dump: Path, file: Path) -> None:
    """A SQLite file as the dump has it."""
    with closing(sqlite3.connect(file)) as made:
        made.executescript(dump.read_text())


def restore_postgres(dump: Path, url: str) -> None:
    """An empty database of PostgreSQL filled as the dump has it."""
    # What begins with a backslash is for the program psql.
    lines = [line for line in dump.read_text().splitlines() if not line.startswith("\\")]
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("\n".join(lines).encode())


def migrated_to(url: str, revision: str) -> None:
    """Bring the database to that step of ours."""
    engine = sa.create_engine(url)
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    engine.dispose()


def fill(url: str, revision: str) -> None:
    """The rows of that step, in a database that is there."""
    engine, found = sa.create_engine(url), sa.MetaData()
    found.reflect(engine)
    with engine.begin() as connection:
        for name, some in rows(revision).items():
            if name in found.tables:
                known = found.tables[name].c
                for row in some:
                    kept = {key: value for key, value in row.items() if key in known}
                    connection.execute(sa.insert(found.tables[name]).values(kept))
    engine.dispose()


def _record(revision: str, postgres: str) -> None:
    with tempfile.TemporaryDirectory() as made:
        file = Path(made) / "portal.db"
        migrated_to(f"sqlite:///{file}", revision)
        fill(f"sqlite:///{file}", revision)
        with closing(sqlite3.connect(file)) as found:
            (DUMPS / f"{revision}.sqlite.sql").write_text("\n".join(found.iterdump()) + "\n")
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
    url = postgres.replace("postgresql://", "postgresql+psycopg://")
    migrated_to(url, revision)
    fill(url, revision)
    dumped = subprocess.run(
        ["pg_dump", "--no-owner", "--inserts", postgres], check=True, capture_output=True, text=True
    )
    lines = [line for line in dumped.stdout.splitlines() if line.strip() and not line.startswith(("--", "\\"))]
    (DUMPS / f"{revision}.postgresql.sql").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    for step in sys.argv[2:]:
        _record(step, sys.argv[1])
