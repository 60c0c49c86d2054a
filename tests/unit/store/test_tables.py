"""The tables as they are declared are those that the migrations make."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from outrider.operations.version_source import VersionSource
from outrider.store.column_types import Sourced
from outrider.store.store import opened_store
from outrider.store.tables import metadata


def form(column: sa.Column[object] | dict[str, object], dialect: sa.Dialect) -> tuple[str, bool]:
    if isinstance(column, dict):
        return str(column["type"]), bool(column["nullable"])
    return column.type.compile(dialect), bool(column.nullable)


async def test_each_column_is_declared_as_the_migrations_have_made_it(tmp_path: Path) -> None:
    await (await opened_store(f"sqlite:///{tmp_path / 'portal.db'}")).close()
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'portal.db'}")
    found = sa.inspect(engine)
    differing = [
        (table.name, name, declared, made)
        for table in metadata.sorted_tables
        for columns in [{str(one["name"]): form(dict(one), engine.dialect) for one in found.get_columns(table.name)}]
        for name, made in columns.items()
        if (declared := form(table.c[name], engine.dialect)) != made
    ]
    engine.dispose()
    assert differing == []


def test_a_source_is_stored_as_its_fields_and_read_as_it_was() -> None:
    dialect, kind = sa.create_engine("sqlite://").dialect, Sourced()
    written = kind.process_bind_param(VersionSource(kind="edit", edit="by hand"), dialect)
    assert isinstance(written, dict)
    assert kind.process_result_value(written, dialect) == VersionSource(kind="edit", edit="by hand")
    assert Sourced.cache_ok
