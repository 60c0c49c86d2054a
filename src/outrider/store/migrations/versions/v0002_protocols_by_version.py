"""What a service speaks stands with its versions alone: a version that failed must not speak for the service."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Drop the service's own protocol."""
    with op.batch_alter_table("services") as table:
        table.drop_column("protocol")


def downgrade() -> None:
    """Bring it back; nothing of ours reads it."""
    with op.batch_alter_table("services") as table:
        table.add_column(sa.Column("protocol", sa.String(16), nullable=False, server_default="http"))
