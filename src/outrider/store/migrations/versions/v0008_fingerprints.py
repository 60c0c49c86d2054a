"""What is done when a value changes has a word of its own, and fingerprints of values are kept."""

from __future__ import annotations

from typing import Any, cast

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

BEFORE, NOW = 1, 2
NOOP, RESTART = "noop", "restart"


def upgrade() -> None:
    """Keep fingerprints, and read of every stored spec what its files said of changes."""
    op.create_table(
        "fingerprints",
        sa.Column("environment", sa.String(63), primary_key=True),
        sa.Column("kind", sa.String(16), primary_key=True),
        sa.Column("path", sa.String(512), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
    )
    _rewrite(BEFORE, NOW, with_words)


def downgrade() -> None:
    """Forget the fingerprints, and put back what files said of changes."""
    op.drop_table("fingerprints")
    _rewrite(NOW, BEFORE, without_words)


def with_words(merged: dict[str, Any]) -> dict[str, Any]:
    """The spec as one writes it now. What Nomad restarts for today it goes on to restart for until it is deployed anew."""
    files = [_worded(file) for file in _list(merged, "files")]
    return {
        **merged,
        "files": files,
        "env": {name: _restarting(one) for name, one in _map(merged, "env").items()},
    }


def without_words(merged: dict[str, Any]) -> dict[str, Any]:
    """The spec as one wrote it before."""
    kept = {key: value for key, value in merged.items() if key != "on_change"}
    env = {name: _unworded(one) for name, one in _map(merged, "env").items()}
    upstreams = {name: _unworded_upstream(one) for name, one in _map(merged, "upstreams").items()}
    return {
        **kept,
        "env": env,
        "upstreams": upstreams,
        "files": [_changed(one) for one in _list(merged, "files")],
    }


def _map(merged: dict[str, Any], key: str) -> dict[str, Any]:
    return dict(merged.get(key) or {})


def _list(merged: dict[str, Any], key: str) -> list[dict[str, Any]]:
    return [dict(one) for one in merged.get(key) or ()]


def _worded(file: dict[str, Any]) -> dict[str, Any]:
    change = file.pop("change", RESTART)
    word = {NOOP: "nothing", RESTART: RESTART}.get(change, "signal")
    return {**file, "on_change": word, "signal": change if word == "signal" else "SIGHUP"}


def _restarting(value: Any) -> Any:
    return {**cast("dict[str, Any]", value), "on_change": RESTART} if type(value) is dict else value


def _changed(file: dict[str, Any]) -> dict[str, Any]:
    word, signal = file.pop("on_change", None), file.pop("signal", "SIGHUP")
    return {**file, "change": signal if word == "signal" else RESTART if word == RESTART else NOOP}


def _unworded(value: Any) -> Any:
    if type(value) is not dict:
        return value
    return {key: part for key, part in cast("dict[str, Any]", value).items() if key != "on_change"}


def _unworded_upstream(upstream: dict[str, Any]) -> dict[str, Any]:
    return {**upstream, "password": _unworded(upstream["password"])} if upstream.get("password") else upstream


def _rewrite(before: int, now: int, made: Any) -> None:
    versions = sa.table(
        "versions",
        sa.column("environment"),
        sa.column("service"),
        sa.column("number"),
        sa.column("merged", sa.JSON),
        sa.column("format"),
    )
    connection, key = op.get_bind(), versions.c
    of_before = sa.select(key.environment, key.service, key.number, key.merged).where(key.format == before)
    for environment, service, number, merged in connection.execute(of_before).all():
        here = (key.environment == environment, key.service == service, key.number == number)
        connection.execute(versions.update().where(*here).values(merged=made(merged), format=now))
