"""The tables as the newest migration leaves them; no queries."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)

from outrider.store.column_types import Moment, Sourced

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
    Column("platform", String(64), nullable=True),
)

# What the platform file said when versions were made, by the SHA-256 of that: all versions of one file have one row. No
# foreign key: a version is what it is without it.
platforms = Table(
    "platforms",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("document", JSON, nullable=False),
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

# How values have looked, without being kept.
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
