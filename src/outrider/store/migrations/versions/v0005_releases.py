"""Every change has a number in the history, says why, and may be stopped: by a lock, a freeze, a rejected version."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def _moment() -> sa.DateTime:
    return sa.DateTime(timezone=True)


def upgrade() -> None:
    """Number what was done so far in its order, and make room for what stops a change."""
    with op.batch_alter_table("deployments") as table:
        table.add_column(sa.Column("release", sa.Integer, nullable=True))
        table.add_column(sa.Column("cause", sa.Text, nullable=False, server_default=""))
        table.add_column(sa.Column("overrides", sa.JSON, nullable=False, server_default="[]"))
    _number()
    _locks()
    _freezes()
    _rejections()


def downgrade() -> None:
    """Forget the numbers, the reasons and what stopped."""
    for table in ("rejections", "freezes", "locks", "release_counts"):
        op.drop_table(table)
    with op.batch_alter_table("deployments") as batch:
        for column in ("overrides", "cause", "release"):
            batch.drop_column(column)


def _number() -> None:
    """The counts stand by themselves: a deployment may be forgotten, its number is never given again."""
    op.create_table(
        "release_counts",
        sa.Column("environment", sa.String(63), primary_key=True),
        sa.Column("service", sa.String(63), primary_key=True),
        sa.Column("latest", sa.Integer, nullable=False),
    )
    op.execute(
        "UPDATE deployments SET release = (SELECT COUNT(*) FROM deployments AS earlier "
        "WHERE earlier.environment = deployments.environment AND earlier.service = deployments.service "
        "AND (earlier.created_at < deployments.created_at "
        "OR (earlier.created_at = deployments.created_at AND earlier.id <= deployments.id)))"
    )
    op.execute(
        "INSERT INTO release_counts (environment, service, latest) "
        "SELECT environment, service, MAX(release) FROM deployments GROUP BY environment, service"
    )


def _locks() -> None:
    op.create_table(
        "locks",
        sa.Column("environment", sa.String(63), primary_key=True),
        sa.Column("service", sa.String(63), primary_key=True),
        sa.Column("holder", sa.String(64), nullable=False),
        sa.Column("held_by", sa.Text, nullable=False),
        sa.Column("since", _moment(), nullable=False),
        sa.Column("until", _moment(), nullable=False),
    )


def _freezes() -> None:
    op.create_table(
        "freezes",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("environment", sa.String(63), nullable=False),
        sa.Column("scope", sa.String(16), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("created_by", sa.Text, nullable=False),
        sa.Column("created_at", _moment(), nullable=False),
        sa.Column("until", _moment(), nullable=False),
        sa.Column("lifted_by", sa.Text, nullable=True),
        sa.Column("lifted_at", _moment(), nullable=True),
        sa.Index("freezes_by_environment", "environment", "until"),
    )


def _rejections() -> None:
    op.create_table(
        "rejections",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("environment", sa.String(63), nullable=False),
        sa.Column("service", sa.String(63), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("part", sa.String(64), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("created_by", sa.Text, nullable=False),
        sa.Column("created_at", _moment(), nullable=False),
        sa.Column("lifted_by", sa.Text, nullable=True),
        sa.Column("lifted_at", _moment(), nullable=True),
        sa.Index("rejections_by_service", "environment", "service"),
    )
