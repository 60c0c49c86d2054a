"""Artifacts leave the database: it keeps where they lie, and which storage, key and leases are its own."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from outrider_ground.errors import UsageError

revision = "0006"
down_revision = "0005"

BEFORE = sa.table("artifact_contents", *(sa.column(name, sa.Text) for name in ("sha256", "content", "added_at")))
NOW = sa.table("artifacts", *(sa.column(name, sa.Text) for name in ("sha256", "size", "object", "by_hash", "added_at")))


def upgrade() -> None:
    """Set the bytes aside, from where they are moved when the portal starts, and know them by hash, size and place."""
    op.rename_table("artifacts", "artifact_contents")
    op.create_table(
        "artifacts",
        sa.Column("sha256", sa.String(64), primary_key=True),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("object", sa.String(128), nullable=False),
        sa.Column("by_hash", sa.Boolean, nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.execute(sa.insert(NOW).from_select([column.name for column in NOW.c], _as_they_were()))
    with op.batch_alter_table("artifact_contents") as table:
        table.drop_column("added_at")
    op.create_table(
        "storage",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("identity", sa.String(64), nullable=False),
        sa.Column("is_settled", sa.Boolean, nullable=False),
    )
    _keys_and_leases()


def downgrade() -> None:
    """There is no way back: the bytes are elsewhere."""
    raise UsageError(
        "step 0006 cannot be taken back: the bytes of artifacts have left the database, and lie in the portal's storage",
        next_step="Go back with the backup that was made before the upgrade: `outrider restore FILE`, with the Outrider of then.",
    )


def _keys_and_leases() -> None:
    op.create_table(
        "keys",
        sa.Column("name", sa.String(63), primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
    )
    op.create_table(
        "leases",
        sa.Column("name", sa.String(80), primary_key=True),
        sa.Column("holder", sa.String(64), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
    )


def _as_they_were() -> sa.Select[*tuple[Any, ...]]:
    """Each artifact, not yet in the storage; jobs of before fetch it by its hash."""
    then = BEFORE.c
    size = sa.func.length(then.content, type_=sa.BigInteger)
    return sa.select(then.sha256, size, sa.literal(""), sa.true(), then.added_at)
