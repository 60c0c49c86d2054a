from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from pathlib import Path
from typing import Any

import pytest
from support.postgres import Postgres, running_postgres

from outrider.store.storage.folder import Folder
from outrider.store.store import SqlStore, opened_store

BOTH = ["sqlite", pytest.param("postgresql", marks=pytest.mark.needs("postgres"))]


@pytest.fixture(scope="session")
def postgres(program: Any) -> Generator[Postgres]:
    with running_postgres(program("postgres")) as made:
        yield made


@pytest.fixture(params=BOTH)
def dialect(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def url(dialect: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of either kind."""
    if dialect == "sqlite":
        return f"sqlite:///{tmp_path / 'portal.db'}"
    return request.getfixturevalue("postgres").new_database()


@pytest.fixture
def storage(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "artifacts")


@pytest.fixture
async def store(url: str, storage: Folder) -> AsyncGenerator[SqlStore]:
    opened = await opened_store(url, storage)
    try:
        yield opened
    finally:
        await opened.close()
