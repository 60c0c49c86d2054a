"""Each stored spec says in which format it is; those of before held durations in milliseconds."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

UNITS = (("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1))
# Where durations were on that day: the models of later ones are none of a migration's business.
IN_PARTS = {
    "ingress": ("keep_alive",),
    "update": ("min_healthy_time", "healthy_deadline"),
    "stop": ("delay", "timeout"),
}
IN_UPSTREAMS, IN_CHECKS = ("timeout", "keep_alive"), ("interval", "timeout")
ROWS = sa.table(
    "versions", sa.column("environment"), sa.column("service"), sa.column("number"), sa.column("merged", sa.JSON)
)


def upgrade() -> None:
    """Add the number, and write durations as people do."""
    with op.batch_alter_table("versions") as table:
        table.add_column(sa.Column("format", sa.Integer, nullable=False, server_default="1"))
    connection = op.get_bind()
    for row in connection.execute(sa.select(ROWS)).all():
        key = (ROWS.c.environment == row[0]) & (ROWS.c.service == row[1]) & (ROWS.c.number == row[2])
        connection.execute(sa.update(ROWS).where(key).values(merged=as_written(row[3])))


def downgrade() -> None:
    """Forget the number; what reads milliseconds will not read these specs."""
    with op.batch_alter_table("versions") as table:
        table.drop_column("format")


def as_written(merged: dict[str, Any]) -> dict[str, Any]:
    """The spec with its durations as text."""
    made = dict(merged)
    for name, keys in IN_PARTS.items():
        if name in made:
            made[name] = _timed(made[name], keys)
    if "upstreams" in made:
        made["upstreams"] = {name: _timed(one, IN_UPSTREAMS) for name, one in made["upstreams"].items()}
    if "checks" in made:
        made["checks"] = [_timed(one, IN_CHECKS) for one in made["checks"]]
    return made


def _timed(part: dict[str, Any], keys: tuple[str, ...]) -> dict[str, Any]:
    return {key: _text(value) if key in keys and type(value) is int else value for key, value in part.items()}


def _text(value: int) -> str:
    unit, size = next((unit, size) for unit, size in UNITS if value % size == 0)
    return f"{value // size}{unit}" if value else "0s"
