"""Services, versions, deployments, events and artifacts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def _moment() -> sa.DateTime:
    return sa.DateTime(timezone=True)


def upgrade() -> None:
    """Create the first tables."""
    _services_and_versions()
    _artifacts()
    _deployments()
    _events()


def downgrade() -> None:
    """Drop them, with all they hold."""
    for table in ("events", "deployments", "version_artifacts", "artifacts", "versions", "services"):
        op.drop_table(table)


def _services_and_versions() -> None:
    op.create_table(
        "services",
        sa.Column("environment", sa.String(63), primary_key=True),
        sa.Column("name", sa.String(63), primary_key=True),
        sa.Column("protocol", sa.String(16), nullable=False),
        sa.Column("latest", sa.Integer, nullable=False),
    )
    op.create_table(
        "versions",
        sa.Column("environment", sa.String(63), primary_key=True),
        sa.Column("service", sa.String(63), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("protocol", sa.String(16), nullable=False),
        sa.Column("file", sa.Text, nullable=False),
        sa.Column("spec", sa.Text, nullable=False),
        sa.Column("merged", sa.JSON, nullable=False),
        sa.Column("job", sa.JSON, nullable=False),
        sa.Column("bootstrap", sa.Text, nullable=True),
        sa.Column("created_by", sa.Text, nullable=False),
        sa.Column("created_at", _moment(), nullable=False),
    )


def _artifacts() -> None:
    op.create_table(
        "artifacts",
        sa.Column("sha256", sa.String(64), primary_key=True),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.Column("added_at", _moment(), nullable=False),
    )
    op.create_table(
        "version_artifacts",
        sa.Column("environment", sa.String(63), primary_key=True),
        sa.Column("service", sa.String(63), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("sha256", sa.String(64), primary_key=True),
        sa.ForeignKeyConstraint(
            ["environment", "service", "number"], ["versions.environment", "versions.service", "versions.number"]
        ),
        sa.Index("version_artifacts_by_sha256", "sha256"),
    )


def _deployments() -> None:
    op.create_table(
        "deployments",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("environment", sa.String(63), nullable=False),
        sa.Column("service", sa.String(63), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("created_by", sa.Text, nullable=False),
        sa.Column("created_at", _moment(), nullable=False),
        sa.Column("version", sa.Integer, nullable=True),
        sa.Column("previous", sa.Integer, nullable=True),
        sa.Column("count", sa.Integer, nullable=True),
        sa.Column("purge", sa.Boolean, nullable=False),
        sa.Column("expected_index", sa.BigInteger, nullable=False),
        sa.Column("modify_index", sa.BigInteger, nullable=True),
        sa.Column("evaluation", sa.String(64), nullable=True),
        sa.Column("nomad_deployment", sa.String(64), nullable=True),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("idempotency_key", sa.String(255), nullable=True, unique=True),
        sa.Column("request_hash", sa.String(64), nullable=True),
        sa.Column("ended_at", _moment(), nullable=True),
        sa.Column("lease_holder", sa.String(64), nullable=True),
        sa.Column("lease_until", _moment(), nullable=True),
        sa.Index("deployments_by_service", "environment", "service", "created_at"),
        sa.Index("deployments_by_state", "state"),
    )


def _events() -> None:
    op.create_table(
        "events",
        sa.Column("deployment", sa.String(36), sa.ForeignKey("deployments.id"), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("at", _moment(), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("detail", sa.JSON, nullable=False),
    )
