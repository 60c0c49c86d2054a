"""Commands that people ran, as both databases keep them."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from outrider.operations.exec_records import Exec
from outrider.store.store import SqlStore

NOW = datetime.now(UTC)


@pytest.fixture
def made() -> Exec:
    command = ("sh", "-c", "echo 'ä' \"$X\"\n")
    return Exec(str(uuid.uuid4()), f"e-{uuid.uuid4()}", "checkout", "a1", "app", command, True, "kim", NOW)


async def test_one_comes_back_as_it_was_kept_newest_first_and_of_its_service_alone(store: SqlStore, made: Exec) -> None:
    later = replace(made, id=str(uuid.uuid4()), at=NOW + timedelta(seconds=1), has_terminal=False)
    others = [
        replace(made, id=str(uuid.uuid4()), service="other"),
        replace(made, id=str(uuid.uuid4()), environment=f"e-{uuid.uuid4()}"),
    ]
    for one in (made, later, *others):
        await store.execs.add_exec(one)
    assert await store.execs.execs(made.environment, "checkout", 50) == (later, made)
    assert await store.execs.execs(made.environment, "checkout", 1) == (later,)


async def test_its_end_is_kept_and_nothing_else_changes(store: SqlStore, made: Exec) -> None:
    other = replace(made, id=str(uuid.uuid4()), at=NOW - timedelta(seconds=1))
    for one in (made, other):
        await store.execs.add_exec(one)
    ended = replace(made, ended_at=NOW + timedelta(seconds=9), exit_code=3, reason="why")
    await store.execs.end_exec(replace(ended, command=("another",)))
    assert await store.execs.execs(made.environment, "checkout", 50) == (ended, other)


async def test_only_those_before_a_moment_are_forgotten(store: SqlStore, made: Exec) -> None:
    old = replace(made, id=str(uuid.uuid4()), at=NOW - timedelta(days=2))
    elsewhere = replace(old, id=str(uuid.uuid4()), environment=f"e-{uuid.uuid4()}")
    for one in (made, old, elsewhere):
        await store.execs.add_exec(one)
    assert await store.execs.forget_execs(made.environment, NOW) == 1
    assert await store.execs.execs(made.environment, "checkout", 50) == (made,)
    assert await store.execs.execs(elsewhere.environment, "checkout", 50) == (elsewhere,)
