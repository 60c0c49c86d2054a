"""The tables of what is deployed as one plan; no queries."""

from __future__ import annotations

from sqlalchemy import JSON, Column, ForeignKey, Index, Integer, String, Table, Text

from outrider.store.column_types import Moment
from outrider.store.tables import metadata

batches = Table(
    "batches",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("environment", String(63), nullable=False),
    Column("state", String(16), nullable=False),
    Column("created_by", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("ended_at", Moment, nullable=True),
    Column("asked", JSON, nullable=False),
    Column("lease_holder", String(64), nullable=True),
    Column("lease_until", Moment, nullable=True),
    Index("batches_by_state", "state"),
)

batch_members = Table(
    "batch_members",
    metadata,
    Column("batch", String(36), ForeignKey("batches.id"), primary_key=True),
    Column("service", String(63), primary_key=True),
    Column("place", Integer, nullable=False),
    Column("step", Integer, nullable=False),
    Column("after", JSON, nullable=False),
    Column("state", String(16), nullable=False),
    Column("reason", Text, nullable=False),
    Column("deployment", String(36), nullable=True),
    Column("version", Integer, nullable=True),
)
