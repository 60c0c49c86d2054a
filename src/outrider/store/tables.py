"""The tables as the newest migration leaves them; no queries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
)

from outrider.operations.records import VersionSource

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


metadata = MetaData()

services = Table(
    "services",
    metadata,
    Column("environment", String(63), primary_key=True),
    Column("name", String(63), primary_key=True),
    Column("latest", Integer, nullable=False),
)

versions = Table(
    "versions",
    metadata,
    Column("environment", String(63), primary_key=True),
    Column("service", String(63), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("hash", String(64), nullable=False),
    Column("protocol", String(16), nullable=False),
    Column("file", Text, nullable=False),
    Column("spec", Text, nullable=False),
    Column("merged", JSON, nullable=False),
    Column("job", JSON, nullable=False),
    Column("bootstrap", Text, nullable=True),
    Column("created_by", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("format", Integer, nullable=False, server_default="1"),
    Column("source", Sourced, nullable=True),
)

# ``object`` is the key of the bytes in the storage, empty until they are moved there; ``by_hash`` says of what an Outrider
# without keys in its URLs has stored that jobs of that time fetch it by its hash alone.
artifacts = Table(
    "artifacts",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("object", String(128), nullable=False),
    Column("by_hash", Boolean, nullable=False),
    Column("added_at", Moment, nullable=False),
)

# Bytes that an Outrider of before kept here; each goes to the storage when the next one starts, and the table is empty then.
artifact_contents = Table(
    "artifact_contents",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("content", LargeBinary, nullable=False),
)

# No foreign key to artifacts: a version outlives bytes that an operator has deleted, and says so when it is asked.
version_artifacts = Table(
    "version_artifacts",
    metadata,
    Column("environment", String(63), primary_key=True),
    Column("service", String(63), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("sha256", String(64), primary_key=True),
    ForeignKeyConstraint(
        ["environment", "service", "number"], ["versions.environment", "versions.service", "versions.number"]
    ),
    Index("version_artifacts_by_sha256", "sha256"),
)

deployments = Table(
    "deployments",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("environment", String(63), nullable=False),
    Column("service", String(63), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("created_by", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("version", Integer, nullable=True),
    Column("previous", Integer, nullable=True),
    Column("count", Integer, nullable=True),
    Column("purge", Boolean, nullable=False),
    Column("expected_index", BigInteger, nullable=False),
    Column("modify_index", BigInteger, nullable=True),
    Column("evaluation", String(64), nullable=True),
    Column("nomad_deployment", String(64), nullable=True),
    Column("reason", Text, nullable=False),
    Column("idempotency_key", String(255), nullable=True, unique=True),
    Column("request_hash", String(64), nullable=True),
    Column("ended_at", Moment, nullable=True),
    Column("release", Integer, nullable=True),
    Column("cause", Text, nullable=False, server_default=""),
    Column("overrides", JSON, nullable=False, server_default="[]"),
    Column("from_environment", String(63), nullable=True),
    Column("from_version", Integer, nullable=True),
    Column("source", Sourced, nullable=True),
    Column("lease_holder", String(64), nullable=True),
    Column("lease_until", Moment, nullable=True),
    Index("deployments_by_service", "environment", "service", "created_at"),
    Index("deployments_by_state", "state"),
)

# Apart from the deployments: one of these may be forgotten, its number is never given again.
release_counts = Table(
    "release_counts",
    metadata,
    Column("environment", String(63), primary_key=True),
    Column("service", String(63), primary_key=True),
    Column("latest", Integer, nullable=False),
)

locks = Table(
    "locks",
    metadata,
    Column("environment", String(63), primary_key=True),
    Column("service", String(63), primary_key=True),
    Column("holder", String(64), nullable=False),
    Column("held_by", Text, nullable=False),
    Column("since", Moment, nullable=False),
    Column("until", Moment, nullable=False),
)

freezes = Table(
    "freezes",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("environment", String(63), nullable=False),
    Column("scope", String(16), nullable=False),
    Column("name", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("until", Moment, nullable=False),
    Column("lifted_by", Text, nullable=True),
    Column("lifted_at", Moment, nullable=True),
    Index("freezes_by_environment", "environment", "until"),
)

rejections = Table(
    "rejections",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("environment", String(63), nullable=False),
    Column("service", String(63), nullable=False),
    Column("number", Integer, nullable=False),
    Column("hash", String(64), nullable=False),
    Column("part", String(64), nullable=False),
    Column("reason", Text, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("lifted_by", Text, nullable=True),
    Column("lifted_at", Moment, nullable=True),
    Index("rejections_by_service", "environment", "service"),
)

# The request stands before its deployment in their transaction: so it waits for the end of it to be checked.
requests = Table(
    "requests",
    metadata,
    Column("key", String(255), primary_key=True),
    Column("hash", String(64), nullable=True),
    Column(
        "deployment", String(36), ForeignKey("deployments.id", deferrable=True, initially="DEFERRED"), nullable=False
    ),
)

events = Table(
    "events",
    metadata,
    Column("deployment", String(36), ForeignKey("deployments.id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("at", Moment, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("message", Text, nullable=False),
    Column("detail", JSON, nullable=False),
)

# By which values are told apart without being kept; one row.
fingerprint_keys = Table(
    "fingerprint_keys", metadata, Column("id", Integer, primary_key=True), Column("key", LargeBinary)
)

fingerprints = Table(
    "fingerprints",
    metadata,
    Column("environment", String(63), primary_key=True),
    Column("kind", String(16), primary_key=True),
    Column("path", String(512), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("fingerprint", String(64), nullable=False),
    Column("seen_at", Moment, nullable=False),
)

# Which portal rolls changed values out, for how long.
value_leases = Table(
    "value_leases",
    metadata,
    Column("environment", String(63), primary_key=True),
    Column("holder", String(64), nullable=False),
    Column("until", Moment, nullable=False),
)
