"""A folder and a bucket do the same; the bucket's server is a stand-in for S3."""

from __future__ import annotations

import asyncio
import hashlib
import os
import stat
import time
import tracemalloc
from collections.abc import AsyncGenerator, AsyncIterator, Generator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest
from fakes.world import in_pieces
from outrider_ground.errors import RemoteError, UsageError
from support.s3 import running_s3

from outrider.operations.artifact_repository import OtherBytesError
from outrider.server_settings import S3Settings
from outrider.store.storage.address import storage_at
from outrider.store.storage.folder import Folder
from outrider.store.storage.storage import PIECE, Storage
from outrider.store.store import SqlStore, folder_beside, opened_store

SOON = datetime.now(UTC) + timedelta(hours=1)
MIB = 1024 * 1024


@pytest.fixture(scope="session")
def s3_server() -> Generator[str]:
    with running_s3() as address:
        yield address


def bucket_at(server: str, name: str, prefix: str = "/of/mine") -> Storage:
    return storage_at(f"s3://{name}{prefix}?endpoint={server}", S3Settings(access_key="a", secret_key="b"))


@pytest.fixture(params=["folder", "bucket"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    if request.param == "folder":
        return Folder(tmp_path / "artifacts")
    server, name = request.getfixturevalue("s3_server"), f"b{time.monotonic_ns()}"
    assert httpx2.put(f"{server}/{name}").status_code == 200
    return bucket_at(server, name)


@pytest.fixture
async def store(storage: Storage, tmp_path: Path) -> AsyncGenerator[SqlStore]:
    made = await opened_store(f"sqlite:///{tmp_path / 'portal.db'}", storage)
    yield made
    await made.close()


async def whole(pieces: AsyncIterator[bytes] | None) -> bytes:
    assert pieces is not None
    return b"".join([piece async for piece in pieces])


def file_of(storage: Storage, content: bytes) -> Path:
    file = storage.incoming / f"test-{time.monotonic_ns()}"
    file.write_bytes(content)
    return file


async def test_what_is_put_is_read_whole_or_in_part_and_gone_when_deleted(storage: Storage) -> None:
    content = os.urandom(20 * MIB)
    file = file_of(storage, content)
    await storage.put("objects/ab/one", file)
    assert not file.exists()
    assert await storage.size("objects/ab/one") == len(content)
    assert await whole(await storage.opened("objects/ab/one", 0, len(content))) == content
    assert await whole(await storage.opened("objects/ab/one", 3, MIB)) == content[3:MIB]
    assert await whole(await storage.opened("objects/ab/one", 5, 5)) == b""
    for _ in range(2):
        await storage.delete("objects/ab/one")
    assert await storage.size("objects/ab/one") is None
    assert await storage.opened("objects/ab/one", 0, 1) is None


async def test_objects_are_listed_by_their_age_and_a_word_is_none_of_them(storage: Storage) -> None:
    await storage.add_word("identity", "me")
    await storage.put("objects/ab/one", file_of(storage, b"1"))
    assert [key async for key in storage.older(SOON)] == ["objects/ab/one"]
    assert [key async for key in storage.older(datetime.now(UTC) - timedelta(hours=1))] == []


async def test_of_two_words_the_first_stays(storage: Storage) -> None:
    assert await storage.word("identity") is None
    await asyncio.gather(*(storage.add_word("identity", word) for word in ("one", "two")))
    found = await storage.word("identity")
    await storage.add_word("identity", "three")
    assert found in {"one", "two"}
    assert await storage.word("identity") == found


async def test_artifacts_live_under_the_hash_of_their_bytes(store: SqlStore) -> None:
    kept = await store.artifacts.add_artifact(in_pieces(b"bytes"))
    assert (kept.sha256, kept.size) == (hashlib.sha256(b"bytes").hexdigest(), 5)
    again = await store.artifacts.add_artifact(in_pieces(b"bytes"), kept.sha256)
    assert (again.object, again.added_at > kept.added_at) == (kept.object, True)
    assert await whole(await store.artifacts.opened(kept, 0, 5)) == b"bytes"
    assert await store.artifacts.artifact("0" * 64) is None
    assert [one.sha256 for one in await store.artifacts.artifacts()] == [kept.sha256]


async def test_other_bytes_than_were_announced_are_not_kept(store: SqlStore, storage: Storage) -> None:
    with pytest.raises(OtherBytesError, match="do not have the SHA-256"):
        await store.artifacts.add_artifact(in_pieces(b"bytes"), "0" * 64)
    assert await store.artifacts.artifacts() == ()
    assert [key async for key in storage.older(SOON)] == []
    assert [one for one in storage.incoming.iterdir() if one.name.startswith("outrider-upload-")] == []


async def test_an_upload_that_breaks_off_leaves_nothing(store: SqlStore, storage: Storage) -> None:
    async def broken() -> AsyncGenerator[bytes]:
        yield b"half"
        raise ConnectionError

    with pytest.raises(ConnectionError):
        await store.artifacts.add_artifact(broken())
    assert await store.artifacts.artifacts() == ()
    assert [one for one in storage.incoming.iterdir() if one.name.startswith("outrider-upload-")] == []


async def test_bytes_that_the_storage_has_lost_are_stored_again(store: SqlStore, storage: Storage) -> None:
    kept = await store.artifacts.add_artifact(in_pieces(b"bytes"))
    await storage.delete(kept.object)
    assert not await store.artifacts.renew_artifact(kept.sha256), "nobody may rely on it"
    again = await store.artifacts.add_artifact(in_pieces(b"bytes"))
    assert await whole(await store.artifacts.opened(again, 0, 5)) == b"bytes"
    assert await store.artifacts.renew_artifact(kept.sha256)


async def test_what_is_dropped_is_gone_from_the_storage_and_comes_back_when_it_is_uploaded(
    store: SqlStore, storage: Storage
) -> None:
    kept = await store.artifacts.add_artifact(in_pieces(b"bytes"))
    assert await store.artifacts.unused_artifacts(SOON) == (kept.sha256,)
    assert await store.artifacts.drop_artifacts([kept.sha256], datetime.now(UTC) - timedelta(hours=1)) == 0
    assert await store.artifacts.drop_artifacts([kept.sha256], SOON) == 1
    assert await storage.size(kept.object) is None
    again = await store.artifacts.add_artifact(in_pieces(b"bytes"))
    assert again.object != kept.object, "whoever deletes the one deletes nothing of the other"
    assert await whole(await store.artifacts.opened(again, 0, 5)) == b"bytes"


async def test_what_a_crash_left_in_the_storage_is_swept_and_what_is_known_stays(
    store: SqlStore, storage: Storage
) -> None:
    kept = await store.artifacts.add_artifact(in_pieces(b"bytes"))
    await storage.put("objects/ff/left", file_of(storage, b"left"))
    assert await store.artifacts.sweep(datetime.now(UTC) - timedelta(hours=1)) == 0, "it may be coming in just now"
    assert await store.artifacts.sweep(SOON) == 1
    assert await storage.size("objects/ff/left") is None
    assert await storage.size(kept.object) == 5


async def test_64_mib_go_in_and_out_in_bounded_pieces(store: SqlStore) -> None:
    piece = os.urandom(64 * 1024)

    async def sent() -> AsyncGenerator[bytes]:
        for _ in range(1024):
            yield piece

    tracemalloc.start()
    kept = await store.artifacts.add_artifact(sent())
    largest = size = 0
    pieces = await store.artifacts.opened(kept, 0, kept.size)
    assert pieces is not None
    async for one in pieces:
        largest, size = max(largest, len(one)), size + len(one)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (kept.size, size) == (64 * MIB, 64 * MIB)
    assert peak < 8 * MIB
    assert largest <= 16 * PIECE


async def test_a_folder_and_its_files_are_nobody_elses(tmp_path: Path) -> None:
    store = await opened_store(f"sqlite:///{tmp_path / 'portal.db'}")
    kept = await store.artifacts.add_artifact(in_pieces(b"bytes"))
    await store.close()
    folder = tmp_path / "portal.db-artifacts"
    for path in (folder, *folder.rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path
    assert (folder / kept.object).read_bytes() == b"bytes"


async def test_a_portal_that_finds_another_storage_than_the_ones_before_does_not_start(
    url: str, tmp_path: Path
) -> None:
    await (await opened_store(url, Folder(tmp_path / "one"))).close()
    with pytest.raises(UsageError, match="is not the one that this database's artifacts are in") as refused:
        await opened_store(url, Folder(tmp_path / "two"))
    assert "a folder that all portals share, or s3://" in (refused.value.next_step or "")
    await (await opened_store(url, Folder(tmp_path / "one"))).close()


async def test_a_storage_that_belongs_to_another_database_is_refused(tmp_path: Path) -> None:
    shared = Folder(tmp_path / "shared")
    await (await opened_store(f"sqlite:///{tmp_path / 'one.db'}", shared)).close()
    for _ in range(2):
        with pytest.raises(UsageError, match="belong to another database"):
            await opened_store(f"sqlite:///{tmp_path / 'two.db'}", shared)
    await (await opened_store(f"sqlite:///{tmp_path / 'two.db'}", Folder(tmp_path / "own"))).close()


async def test_of_two_portals_that_start_at_once_with_folders_of_their_own_one_is_refused(
    url: str, tmp_path: Path
) -> None:
    places = [Folder(tmp_path / name) for name in ("one", "two")]
    found = await asyncio.gather(*(opened_store(url, place) for place in places), return_exceptions=True)
    assert sorted(isinstance(one, UsageError) for one in found) == [False, True]
    for one in found:
        if isinstance(one, SqlStore):
            await one.close()


async def test_a_crash_between_database_and_storage_leaves_nobody_without_a_word(tmp_path: Path) -> None:
    """As far as a portal comes that is killed before its word is settled."""

    class Killed(Folder):
        async def word(self, key: str) -> str | None:
            raise ConnectionError(key)

    url = f"sqlite:///{tmp_path / 'portal.db'}"
    with pytest.raises(ConnectionError):
        await opened_store(url, Killed(tmp_path / "one"))
    await (await opened_store(url, Folder(tmp_path / "one"))).close()


async def test_a_bucket_that_is_not_there_and_a_server_that_is_away_are_named_with_what_to_do(s3_server: str) -> None:
    for storage in (bucket_at(s3_server, "nowhere"), bucket_at("http://127.0.0.1:9", "any")):
        with pytest.raises(RemoteError, match=r"the storage of artifacts s3://.* does not do its part") as caught:
            await storage.add_word("identity", "me")
        assert caught.value.status == 503
        assert "AWS_*" in (caught.value.next_step or "")


@pytest.mark.parametrize(
    "wrong", ["ftp://host/x", "s3:///prefix", "s3://bucket?endpiont=x", "s3://key:secret@bucket/x"]
)
def test_an_address_that_is_none_is_refused_without_its_secret(wrong: str) -> None:
    with pytest.raises(UsageError) as refused:
        storage_at(wrong)
    assert "secret" not in refused.value.message
    assert refused.value.next_step


def test_a_place_that_is_a_file_is_refused_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="artifacts cannot be kept in"):
        storage_at(str(tmp_path / "file"))


def test_a_database_that_is_no_file_has_no_folder_beside_it() -> None:
    for url in ("sqlite://", "postgresql://host/x"):
        with pytest.raises(UsageError, match="have no place"):
            folder_beside(url)
