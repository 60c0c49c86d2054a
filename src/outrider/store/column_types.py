"""Types of columns that the databases have no word of their own for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import JSON, DateTime, TypeDecorator

from outrider.operations.version_source import VersionSource

if TYPE_CHECKING:
    from sqlalchemy import Dialect


class Moment(TypeDecorator[datetime]):
    """A point in time in UTC; SQLite keeps no zone, so it is taken off on the way in and put on on the way out."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse to guess the zone of a naive time."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a point in time needs a zone")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give every time its zone."""
        del dialect
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Sourced(TypeDecorator[VersionSource]):
    """Where a spec came from, as JSON; fields that a newer Outrider has written are left out."""

    impl = JSON(none_as_null=True)
    cache_ok = True

    def process_bind_param(self, value: VersionSource | Mapping[str, Any] | None, dialect: Dialect) -> Any:
        """As a map: ``asdict`` of a record has made one of it already."""
        del dialect
        return asdict(value) if isinstance(value, VersionSource) else value

    def process_result_value(self, value: Mapping[str, Any] | None, dialect: Dialect) -> VersionSource | None:
        """As the record that it was."""
        del dialect
        known = {field.name for field in fields(VersionSource)}
        return None if value is None else VersionSource(**{key: part for key, part in value.items() if key in known})
