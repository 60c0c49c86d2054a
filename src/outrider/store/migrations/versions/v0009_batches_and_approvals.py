"""Several services deployed as one plan, releases between environments, and who approved of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Room for batches with their members, for approvals and digests, and where a deployment was released from."""
    _batches()
    _releases()


def downgrade() -> None:
    """Forget them; what runs stays as it is."""
    with op.batch_alter_table("deployments") as table:
        table.drop_column("from_version")
        table.drop_column("from_environment")
    for name in ("digests", "approvals", "batch_members", "batches"):
        op.drop_table(name)


def _batches() -> None:
    op.create_table(
        "batches",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("environment", sa.String(63), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("created_by", sa.Text, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("asked", sa.JSON, nullable=False),
        sa.Column("lease_holder", sa.String(64), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
    )
    op.create_index("batches_by_state", "batches", ["state"])
    op.create_table(
        "batch_members",
        sa.Column("batch", sa.String(36), sa.ForeignKey("batches.id"), primary_key=True),
        sa.Column("service", sa.String(63), primary_key=True),
        sa.Column("place", sa.Integer, nullable=False),
        sa.Column("step", sa.Integer, nullable=False),
        sa.Column("after", sa.JSON, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("deployment", sa.String(36), nullable=True),
        sa.Column("version", sa.Integer, nullable=True),
    )


def _releases() -> None:
    with op.batch_alter_table("deployments") as table:
        table.add_column(sa.Column("from_environment", sa.String(63), nullable=True))
        table.add_column(sa.Column("from_version", sa.Integer, nullable=True))
    op.create_table(
        "approvals",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("environment", sa.String(63), nullable=False),
        sa.Column("service", sa.String(63), nullable=False),
        sa.Column("source", sa.String(63), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("approvals_by_service", "approvals", ["environment", "service"])
    op.create_table(
        "digests",
        sa.Column("environment", sa.String(63), primary_key=True),
        sa.Column("service", sa.String(63), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("image", sa.Text, nullable=False),
        sa.Column("digest", sa.String(160), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    )
