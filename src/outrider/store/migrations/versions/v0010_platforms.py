"""A version remembers what the platform file said when it was made."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Room for it, once for all versions of one file; of those of before nobody knows."""
    op.create_table(
        "platforms",
        sa.Column("sha256", sa.String(64), primary_key=True),
        sa.Column("document", sa.JSON, nullable=False),
    )
    with op.batch_alter_table("versions") as table:
        table.add_column(sa.Column("platform", sa.String(64), nullable=True))


def downgrade() -> None:
    """Forget it."""
    with op.batch_alter_table("versions") as table:
        table.drop_column("platform")
    op.drop_table("platforms")
