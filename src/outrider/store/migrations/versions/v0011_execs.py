"""Commands that people ran beside tasks."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Room for who ran what, where, and how it ended."""
    op.create_table(
        "execs",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("environment", sa.String(63), nullable=False),
        sa.Column("service", sa.String(63), nullable=False),
        sa.Column("allocation", sa.String(36), nullable=False),
        sa.Column("task", sa.Text, nullable=False),
        sa.Column("command", sa.JSON, nullable=False),
        sa.Column("has_terminal", sa.Boolean, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("exit_code", sa.Integer, nullable=True),
        sa.Column("reason", sa.Text, nullable=False),
    )
    op.create_index("execs_by_service", "execs", ["environment", "service", "at"])


def downgrade() -> None:
    """Forget them."""
    op.drop_table("execs")
