"""A backup is of one moment, whole, and comes back into either database; what is wrong with a file is found before."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import os
import stat
import tarfile
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fakes.world import in_pieces
from outrider_ground.errors import ConflictError, UsageError
from sqlalchemy import insert, text

from outrider.operations.event_details import Warned
from outrider.operations.records import Artifact, Deployment, Draft, Override, Request
from outrider.store.artifacts import Artifacts
from outrider.store.backup.backup import NOT_COPIED, backed_up
from outrider.store.backup.container import FIRST, LAST
from outrider.store.backup.restore import restored
from outrider.store.database import opened
from outrider.store.storage.folder import Folder
from outrider.store.store import SqlStore, opened_store
from outrider.store.tables import artifact_contents, metadata

NOW = datetime.now(UTC)
NONSENSE = b'{"nonsense": 1}\n'
CONTENT = b"a packed directory" * 50_000


async def filled(store: SqlStore) -> str:
    """Something in the tables that matter; the SHA-256 of an artifact."""
    sha256 = (await store.artifacts.add_artifact(in_pieces(CONTENT))).sha256
    for number in range(3):
        draft = Draft(
            environment="stage",
            service="checkout",
            hash=f"h{number}",
            protocol="http",
            file="outrider.yaml",
            spec="service: checkout # ünïcode \u2028 and\nlines\n",
            merged={"service": "checkout", "at": None, "list": [1, 2.5]},
            job={"ID": "checkout"},
            bootstrap=None if number else "{{ env `X` }}",
            artifacts=(sha256,),
            created_by="ada",
            format=1,
        )
        version = await store.versions.add_version(draft)
        made = Deployment(str(number) * 36, "stage", "checkout", "run", "running", "ada", NOW, version=version.number)
        await store.deployments.add_deployment(
            replace(made, purge=True, modify_index=2**41, overrides=(Override("freeze", "because"),) if number else ())
        )
        await store.events.add_event(made.id, "a line", Warned())
        await store.requests.add_request(Request(f"k{number}", None, made.id))
    return sha256


async def everything(store: SqlStore) -> dict[str, list[tuple[object, ...]]]:
    """All rows of all tables, without where bytes lie."""
    found: dict[str, list[tuple[object, ...]]] = {}
    async with store.database.reading() as connection:
        for table in metadata.sorted_tables:
            columns = [column for column in table.c if (table.name, column.name) != ("artifacts", "object")]
            query = table.select().with_only_columns(*columns).order_by(*table.primary_key.columns)
            found[table.name] = [tuple(row) for row in await connection.execute(query)]
    return {name: rows for name, rows in found.items() if name not in NOT_COPIED}


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.needs("postgres"))])
def other_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Another empty database, of either kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'other.db'}"
    return request.getfixturevalue("postgres").new_database()


async def brought_back(url: str, folder: Folder, file: Path, *, replaces: bool = False) -> None:
    database = await opened(url)
    try:
        await restored(database, folder, file, replaces=replaces)
    finally:
        await database.close()


async def test_all_comes_back_as_it_was_in_either_database(store: SqlStore, other_url: str, tmp_path: Path) -> None:
    sha256 = await filled(store)
    file, there = tmp_path / "one.backup", Folder(tmp_path / "there")
    copied = await backed_up(store, file)
    assert (copied.artifacts, copied.lost, copied.size) == (1, (), file.stat().st_size)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    await brought_back(other_url, there, file)
    again = await opened_store(other_url, there)
    try:
        assert await everything(again) == await everything(store)
        found = await again.artifacts.artifact(sha256)
        assert found is not None
        pieces = await again.artifacts.opened(found, 0, found.size)
        assert pieces is not None
        assert b"".join([piece async for piece in pieces]) == CONTENT
        assert again.artifacts.links == store.artifacts.links, "old jobs fetch by the same addresses"
        later = await again.versions.add_version(replace(a_draft(), service="checkout"))
        assert later.number == 4
    finally:
        await again.close()


def a_draft() -> Draft:
    return Draft("stage", "payments", "h", "http", "f", "s", {}, {}, None, (), "ada", 1)


async def test_a_backup_while_others_write_is_of_one_moment(store: SqlStore, tmp_path: Path) -> None:
    """A version and its count are written in one transaction: no copy has the one without the other."""
    is_over = asyncio.Event()

    async def write() -> None:
        while not is_over.is_set():
            version = await store.versions.add_version(a_draft())
            made = Deployment(
                f"d{version.number}", "stage", "payments", "run", "running", "ada", NOW, version=version.number
            )
            await store.deployments.add_deployment(made)
            await store.artifacts.add_artifact(in_pieces(str(version.number).encode()))

    await filled(store)
    writers = [asyncio.create_task(write()) for _ in range(2)]
    files = [tmp_path / f"{number}.backup" for number in range(4)]
    for file in files:
        await backed_up(store, file)
        await asyncio.sleep(0.05)
    is_over.set()
    await asyncio.gather(*writers)
    for file in files:
        folder = Folder(tmp_path / f"{file.stem}-artifacts")
        await brought_back(f"sqlite:///{tmp_path / file.stem}.db", folder, file)
        again = await opened_store(f"sqlite:///{tmp_path / file.stem}.db", folder)
        summaries = await again.versions.summaries("stage", "payments")
        numbers = [one.number for one in summaries]
        assert numbers == list(range(len(numbers), 0, -1))
        assert (await again.versions.add_version(a_draft())).number == len(numbers) + 1
        async with again.database.reading() as connection:
            wrong = await connection.execute(text("PRAGMA foreign_key_check"))
            assert wrong.all() == []
        await again.close()


async def test_a_store_that_has_something_is_not_overwritten_unless_that_is_said(
    store: SqlStore, other_url: str, tmp_path: Path
) -> None:
    await filled(store)
    file, there = tmp_path / "one.backup", Folder(tmp_path / "there")
    await backed_up(store, file)
    other = await opened_store(other_url, there)
    await other.versions.add_version(a_draft())
    before = await everything(other)
    await other.close()
    with pytest.raises(ConflictError, match="the store is not empty: there are ") as refused:
        await brought_back(other_url, there, file)
    assert "--replace" in (refused.value.next_step or "")
    other = await opened_store(other_url, there)
    assert await everything(other) == before
    await other.close()
    await brought_back(other_url, there, file, replaces=True)
    other = await opened_store(other_url, there)
    assert await everything(other) == await everything(store)
    await other.close()


async def test_a_store_on_which_a_portal_was_only_started_is_empty(
    store: SqlStore, other_url: str, tmp_path: Path
) -> None:
    await filled(store)
    key = await store.values.key()
    file, there = tmp_path / "one.backup", Folder(tmp_path / "there")
    await backed_up(store, file)
    other = await opened_store(other_url, there)
    assert await other.values.key() != key
    assert await other.values.claim("stage", "a-portal", 60)
    await other.close()
    await brought_back(other_url, there, file)
    again = await opened_store(other_url, there)
    assert await again.values.key() == key, "values go on being told apart by the same signs"
    await again.close()


async def test_where_a_restore_fails_in_the_middle_all_is_as_it_was(
    store: SqlStore, other_url: str, tmp_path: Path
) -> None:
    await filled(store)
    async with store.database.writing() as connection:
        await connection.execute(insert(artifact_contents).values(sha256="x", content=b"left"))
    file, there = tmp_path / "one.backup", Folder(tmp_path / "there")
    await backed_up(store, file)
    rewritten(file, lambda name, content: content + (NONSENSE if name.startswith("tables/versions/") else b""))
    other = await opened_store(other_url, there)
    await other.versions.add_version(a_draft())
    before = await everything(other)
    await other.close()
    with pytest.raises(Exception, match="nonsense"):
        await brought_back(other_url, there, file, replaces=True)
    other = await opened_store(other_url, there)
    assert await everything(other) == before
    await other.close()


def rewritten(file: Path, change: Callable[[str, bytes], bytes], *, is_honest: bool = True) -> None:
    """The same backup with other content, under right sums or under those of before."""
    with tarfile.open(file) as tar:
        found = {member.name: tar.extractfile(member).read() for member in tar}  # type: ignore[union-attr]
    changed = {name: change(name, content) for name, content in found.items()}
    if is_honest:
        sums = {name: hashlib.sha256(content).hexdigest() for name, content in changed.items() if name != LAST}
        changed[LAST] = json.dumps(sums).encode()
    with tarfile.open(file, "w") as tar:
        for name, content in changed.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))


def damaged(file: Path) -> None:
    content = bytearray(file.read_bytes())
    place = content.index(b"a packed directory")
    content[place] ^= 1
    file.write_bytes(content)


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def without_end(file: Path) -> None:
    with tarfile.open(file) as tar:
        found = [(member, tar.extractfile(member).read()) for member in tar if member.name != LAST]  # type: ignore[union-attr]
    with tarfile.open(file, "w") as tar:
        for member, content in found:
            tar.addfile(member, io.BytesIO(content))


def changed_row(file: Path) -> None:
    rewritten(file, lambda name, content: content.replace(b"ada", b"eve"), is_honest=False)


def other_artifact(file: Path) -> None:
    rewritten(file, lambda name, content: b"other" if name.startswith("artifacts/") else content)


def of_a_later_outrider(file: Path) -> None:
    rewritten(
        file, lambda name, content: content.replace(b'"revision": "', b'"revision": "9') if name == FIRST else content
    )


def of_another_format(file: Path) -> None:
    rewritten(file, lambda name, content: content.replace(b'"format": 1', b'"format": 2') if name == FIRST else content)


def of_another_kind(file: Path) -> None:
    file.write_bytes(b"SQLite format 3\0" + b"x" * 5000)


def empty(file: Path) -> None:
    file.write_bytes(b"")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (damaged, "damaged"),
        (cut, "no backup, or not all of one|not a whole backup"),
        (without_end, "its end is missing"),
        (changed_row, "is not as it was written"),
        (other_artifact, "is not what its name says"),
        (of_a_later_outrider, "was written by a later Outrider"),
        (of_another_format, "in format 2, and this Outrider reads format 1"),
        (of_another_kind, "no backup"),
        (empty, "no backup|not a whole backup"),
    ],
)
async def test_what_is_wrong_with_a_file_is_found_before_anything_is_touched(
    spoil: Callable[[Path], None], said: str, tmp_path: Path
) -> None:
    store = await opened_store(f"sqlite:///{tmp_path / 'portal.db'}")
    await filled(store)
    file = tmp_path / "one.backup"
    await backed_up(store, file)
    before = await everything(store)
    await store.close()
    spoil(file)
    folder = Folder(tmp_path / "portal.db-artifacts")
    with pytest.raises(UsageError, match=said) as refused:
        await brought_back(f"sqlite:///{tmp_path / 'portal.db'}", folder, file, replaces=True)
    assert refused.value.next_step
    store = await opened_store(f"sqlite:///{tmp_path / 'portal.db'}")
    assert await everything(store) == before
    await store.close()


async def test_a_backup_replaces_no_file_and_leaves_no_half_of_one(tmp_path: Path) -> None:
    store = await opened_store(f"sqlite:///{tmp_path / 'portal.db'}")
    file = tmp_path / "folder" / "one.backup"
    file.parent.mkdir()
    file.write_text("precious")
    with pytest.raises(UsageError, match="is there already"):
        await backed_up(store, file)
    assert file.read_text() == "precious"
    assert [one.name for one in file.parent.iterdir()] == ["one.backup"]
    with pytest.raises(UsageError, match="cannot be written"):
        await backed_up(store, tmp_path / "nowhere" / "one.backup")
    await store.close()


async def test_bytes_that_the_storage_has_lost_are_named_and_the_rest_is_there(tmp_path: Path) -> None:
    store = await opened_store(f"sqlite:///{tmp_path / 'portal.db'}")
    sha256 = await filled(store)
    kept = await store.artifacts.artifact(sha256)
    assert kept is not None
    (tmp_path / "portal.db-artifacts" / kept.object).unlink()
    copied = await backed_up(store, tmp_path / "one.backup")
    assert (copied.lost, copied.artifacts) == ((sha256,), 0)
    await store.close()
    await brought_back(f"sqlite:///{tmp_path / 'other.db'}", Folder(tmp_path / "there"), tmp_path / "one.backup")
    again = await opened_store(f"sqlite:///{tmp_path / 'other.db'}", Folder(tmp_path / "there"))
    assert not await again.artifacts.renew_artifact(sha256), "uploaded again, it is there"
    await again.close()


async def test_nothing_is_forgotten_while_a_backup_is_written_and_the_lease_is_given_back(tmp_path: Path) -> None:
    store = await opened_store(f"sqlite:///{tmp_path / 'portal.db'}")
    await filled(store)
    seen: list[bool] = []

    class Watched(Artifacts):
        async def artifacts(self) -> tuple[Artifact, ...]:
            seen.append(await store.leases.take("upkeep", "a portal", 60))
            return await super().artifacts()

    watched = Watched(store.database, Folder(tmp_path / "portal.db-artifacts"), store.artifacts.links)
    await backed_up(replace(store, artifacts=watched), tmp_path / "one.backup")
    assert seen == [False]
    assert await store.leases.take("upkeep", "a portal", 60)
    await store.close()


async def test_a_backup_does_not_change_the_database_that_it_reads(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'portal.db'}"
    with pytest.raises(UsageError, match="there is no database"):
        await opened_store(url, migrates=False)
    assert not os.listdir(tmp_path)  # noqa: PTH208  in a coroutine
    await (await opened_store(url)).close()
    store = await opened_store(url, migrates=False)
    async with store.database.writing() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '0005'"))
    await store.close()
    with pytest.raises(UsageError, match="the database is at step 0005, and this Outrider"):
        await opened_store(url, migrates=False)


async def test_old_points_in_time_are_the_same_in_both_databases(
    store: SqlStore, other_url: str, tmp_path: Path
) -> None:
    made = Deployment("d", "stage", "checkout", "stop", "successful", "ada", NOW - timedelta(days=900, microseconds=7))
    kept = await store.deployments.add_deployment(made)
    await backed_up(store, tmp_path / "one.backup")
    await brought_back(other_url, Folder(tmp_path / "there"), tmp_path / "one.backup")
    again = await opened_store(other_url, Folder(tmp_path / "there"))
    assert await again.deployments.with_id("d") == kept
    await again.close()
