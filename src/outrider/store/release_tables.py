"""The tables of what goes from one environment to another; no queries."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, String, Table, Text

from outrider.store.column_types import Moment
from outrider.store.tables import metadata

approvals = Table(
    "approvals",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("environment", String(63), nullable=False),
    Column("service", String(63), nullable=False),
    Column("source", String(63), nullable=False),
    Column("version", Integer, nullable=False),
    Column("by", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", Moment, nullable=False),
    Index("approvals_by_service", "environment", "service"),
)

digests = Table(
    "digests",
    metadata,
    Column("environment", String(63), primary_key=True),
    Column("service", String(63), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("image", Text, nullable=False),
    Column("digest", String(160), nullable=False),
    Column("at", Moment, nullable=False),
)
