"""Requests stand by themselves: one that makes no deployment of its own has an idempotency key too."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Keep the keys that deployments came with."""
    op.create_table(
        "requests",
        sa.Column("key", sa.String(255), primary_key=True),
        sa.Column("hash", sa.String(64), nullable=True),
        sa.Column(
            "deployment",
            sa.String(36),
            sa.ForeignKey("deployments.id", deferrable=True, initially="DEFERRED"),
            nullable=False,
        ),
    )
    op.execute(
        "INSERT INTO requests (key, hash, deployment) "
        "SELECT idempotency_key, request_hash, id FROM deployments WHERE idempotency_key IS NOT NULL"
    )


def downgrade() -> None:
    """Forget them; those of deployments stand there too."""
    op.drop_table("requests")
