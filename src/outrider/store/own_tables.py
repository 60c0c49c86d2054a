"""Tables in which the store keeps its own affairs: its storage, its secrets, and who works on it now; no queries."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Integer, String, Table, Text

from outrider.store.column_types import Moment
from outrider.store.tables import metadata

# One row: which storage belongs to this database. It is not part of a backup.
storage = Table(
    "storage",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("identity", String(64), nullable=False),
    Column("is_settled", Boolean, nullable=False),
)

# Secrets of the store itself, by what they are for.
keys = Table(
    "keys",
    metadata,
    Column("name", String(63), primary_key=True),
    Column("value", Text, nullable=False),
)

# Work that one process at a time does, by its name. It is not part of a backup.
leases = Table(
    "leases",
    metadata,
    Column("name", String(80), primary_key=True),
    Column("holder", String(64), nullable=False),
    Column("until", Moment, nullable=False),
)
