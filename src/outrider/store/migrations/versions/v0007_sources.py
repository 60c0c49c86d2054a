"""A version and a deployment remember where their spec came from."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

TABLES = ("versions", "deployments")


def upgrade() -> None:
    """Add the column; of what was deployed before, nobody knows."""
    for name in TABLES:
        with op.batch_alter_table(name) as table:
            table.add_column(sa.Column("source", sa.JSON, nullable=True))


def downgrade() -> None:
    """Forget the sources."""
    for name in TABLES:
        with op.batch_alter_table(name) as table:
            table.drop_column("source")
