"""The table of commands that people ran beside tasks; no queries."""

from __future__ import annotations

from sqlalchemy import JSON, Boolean, Column, Index, Integer, String, Table, Text

from outrider.store.column_types import Moment
from outrider.store.tables import metadata

execs = Table(
    "execs",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("environment", String(63), nullable=False),
    Column("service", String(63), nullable=False),
    Column("allocation", String(36), nullable=False),
    Column("task", Text, nullable=False),
    Column("command", JSON, nullable=False),
    Column("has_terminal", Boolean, nullable=False),
    Column("by", Text, nullable=False),
    Column("at", Moment, nullable=False),
    Column("ended_at", Moment, nullable=True),
    Column("exit_code", Integer, nullable=True),
    Column("reason", Text, nullable=False),
    Index("execs_by_service", "environment", "service", "at"),
)
