"""Rows of any table as lines of JSON and back; what JSON has no word for is told by the type of the column."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import JSON, DateTime, LargeBinary, TypeDecorator, null

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sqlalchemy import Column, RowMapping, Table


def lines_of(rows: Iterable[RowMapping]) -> Iterator[bytes]:
    """One line for each row."""
    for row in rows:
        yield (
            json.dumps({str(name): _written(value) for name, value in row.items()}, separators=(",", ":")).encode()
            + b"\n"
        )


def rows_in(table: Table, content: bytes, dialect: str) -> list[dict[str, Any]]:
    """The rows of a table, as the database of that dialect takes them; columns that it does not have are an error there."""
    return [_read(table, json.loads(line), dialect) for line in content.splitlines()]


def _written(value: Any) -> Any:
    if isinstance(value, datetime):
        return (value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)).isoformat()
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value


def _read(table: Table, row: dict[str, Any], dialect: str) -> dict[str, Any]:
    return {name: _value(table.c[name], value, dialect) for name, value in row.items()}


def _value(column: Column[Any], value: Any, dialect: str) -> Any:
    kind = column.type.impl_instance if isinstance(column.type, TypeDecorator) else column.type
    if value is None:
        # JSON has a word of its own for nothing, which a column that may be empty does not mean.
        return null() if isinstance(kind, JSON) and column.nullable else None
    if isinstance(kind, DateTime):
        moment = datetime.fromisoformat(value)
        # SQLite keeps no zone: what it has is in UTC.
        return moment.replace(tzinfo=None) if dialect == "sqlite" else moment
    return base64.b64decode(value) if isinstance(kind, LargeBinary) else value
