"""A database whose specs held milliseconds, and one whose specs are of a later Outrider."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fakes.older_database import at_step
from sqlalchemy import text

from outrider.operations.stored_specs import spec_of
from outrider.spec.reading.files import read_service
from outrider.spec.stored import FORMAT, StoredSpec, UnreadableSpecError
from outrider.store.migrations.versions import v0004_spec_formats as step
from outrider.store.migrations.versions import v0008_fingerprints as words
from outrider.store.store import opened_store

SPEC = """service: checkout
run: {command: [a]}
upstreams: {payments: {timeout: 800ms, keep_alive: none}, fx: {address: "fx.example:443", keep_alive: 2s}}
ingress: {keep_alive: 90s}
checks: [{http: /, interval: 5s}, {tcp: true, timeout: 1500ms}]
update: {min_healthy_time: 0s, healthy_deadline: 1h}
stop: {delay: 2s, timeout: 1m}
env: {timeout: "5000"}
"""


def before(value: object) -> object:
    """The JSON of that time: durations in milliseconds."""
    sizes = {"800ms": 800, "2s": 2000, "90s": 90_000, "5s": 5000, "10s": 10_000, "1500ms": 1500}
    sizes |= {"0s": 0, "1h": 3_600_000, "1m": 60_000}
    if isinstance(value, dict):
        return {key: before(part) for key, part in value.items()}
    if isinstance(value, list):
        return [before(part) for part in value]
    return sizes.get(value, value) if isinstance(value, str) else value


def at_the_step_before(file: Path, merged: str) -> None:
    with at_step(file, step.down_revision) as connection:
        connection.execute(text("INSERT INTO services VALUES ('stage', 'checkout', 1)"))
        row = "('stage', 'checkout', 1, 'abc', 'http', 'f', 's', :merged, '{}', NULL, 'ada', '2026-11-27 12:00:00')"
        connection.execute(text(f"INSERT INTO versions VALUES {row}"), {"merged": merged})
        connection.execute(text("INSERT INTO version_artifacts VALUES ('stage', 'checkout', 1, 'ab')"))


async def test_a_spec_of_before_is_read_as_it_was_written(tmp_path: Path) -> None:
    wanted = StoredSpec(read_service(SPEC, "f").service, {})
    old = before(wanted.document)
    assert '"timeout": 800' in json.dumps(old)
    at_the_step_before(tmp_path / "portal.db", json.dumps(old))
    store = await opened_store(f"sqlite:///{tmp_path / 'portal.db'}")
    found = await store.versions.numbered("stage", "checkout", 1)
    await store.close()
    assert found
    assert (found.format, found.artifacts) == (FORMAT, ("ab",))
    assert spec_of(found) == wanted


async def test_a_spec_of_a_later_format_is_an_error_that_names_version_and_format(tmp_path: Path) -> None:
    merged = StoredSpec(read_service(SPEC, "f").service, {}).document
    at_the_step_before(tmp_path / "portal.db", json.dumps(merged))
    store = await opened_store(f"sqlite:///{tmp_path / 'portal.db'}")
    async with store.database.writing() as connection:
        await connection.execute(text("UPDATE versions SET format = 7"))
    found = await store.versions.numbered("stage", "checkout", 1)
    await store.close()
    assert found
    with pytest.raises(UnreadableSpecError, match="version 1 of checkout in stage is stored in format 7") as caught:
        spec_of(found)
    assert caught.value.next_step


BEFORE_WORDS = {
    "service": "checkout",
    "run": {"command": ["a"]},
    "env": {"PLAIN": "a", "FLAG": {"consul": "config/flag"}},
    "files": [
        {"path": "a.ini", "template": "a", "change": "restart"},
        {"path": "b.ini", "template": "b", "change": "noop"},
        {"path": "c.ini", "template": "c", "change": "SIGUSR1"},
    ],
    "patches": {},
}


async def test_what_was_said_of_changes_before_there_was_a_word_for_it_is_read_as_it_was_meant(tmp_path: Path) -> None:
    at_the_step_before(tmp_path / "portal.db", json.dumps(BEFORE_WORDS))
    store = await opened_store(f"sqlite:///{tmp_path / 'portal.db'}")
    found = await store.versions.numbered("stage", "checkout", 1)
    await store.close()
    assert found
    read = spec_of(found).service
    assert [(one.on_change, one.signal) for one in read.files] == [
        ("restart", "SIGHUP"),
        ("nothing", "SIGHUP"),
        ("signal", "SIGUSR1"),
    ]
    assert read.env["FLAG"].on_change == "restart"  # type: ignore[union-attr]
    assert words.without_words(words.with_words(BEFORE_WORDS))["files"] == BEFORE_WORDS["files"]
