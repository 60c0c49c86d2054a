"""Nobody else on the machine can read or change what a one-machine cluster and its portal keep."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from outrider_embedded.logs import RotatingLog
from outrider_embedded.registry.definition import definition
from outrider_embedded.registry.probe_script import verdict
from outrider_ground.private import nothing_for_others, private_directory, private_file, written_privately
from outrider_ground.settings import host_environment

from outrider.programs.one_machine import LOCK, only_one
from outrider.store.database import opened


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_directory_of_one_machine_is_closed_also_one_that_was_open(tmp_path: Path) -> None:
    for name in ("new", "empty", "from-before"):
        place = tmp_path / name
        if name != "new":
            place.mkdir(mode=0o777)
            place.chmod(0o777)
        if name == "from-before":
            (place / LOCK).touch()
            (place / LOCK).chmod(0o666)
        with only_one(place):
            assert (mode(place), mode(place / LOCK)) == (0o700, 0o600)


def test_a_directory_that_holds_other_things_keeps_its_rights(tmp_path: Path) -> None:
    place = tmp_path / "home"
    place.mkdir()
    place.chmod(0o755)
    (place / "letter.txt").touch()
    with only_one(place):
        assert mode(place) == 0o755


def test_what_many_share_stays_shared(tmp_path: Path) -> None:
    shared = tmp_path / "tmp"
    shared.mkdir()
    shared.chmod(0o1777)
    assert mode(private_directory(shared)) == 0o1777


async def test_the_database_and_the_files_beside_it_are_closed(tmp_path: Path) -> None:
    file = tmp_path / "kept" / "portal.db"
    before = os.umask(0)
    try:
        database = await opened(f"sqlite:///{file}")
        found = {path.name: mode(path) for path in file.parent.iterdir()}
        await database.close()
    finally:
        os.umask(before)
    assert found == {"portal.db": 0o600, "portal.db-wal": 0o600, "portal.db-shm": 0o600}
    assert mode(file.parent) == 0o700


async def test_a_database_from_before_is_closed_when_it_is_opened(tmp_path: Path) -> None:
    for name in ("portal.db", "portal.db-wal"):
        (tmp_path / name).touch()
        (tmp_path / name).chmod(0o644)
    database = await opened(f"sqlite:///{tmp_path / 'portal.db'}")
    assert (mode(tmp_path / "portal.db"), mode(tmp_path / "portal.db-wal")) == (0o600, 0o600)
    await database.close()


def test_a_private_file_is_never_open_and_replaces_what_was_there(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    written_privately(file, b"longer than the next one")
    written_privately(file, b"next", 0o400)
    assert (file.read_bytes(), mode(file)) == (b"next", 0o400)
    assert mode(private_file(tmp_path / "other")) == 0o600


def test_within_the_block_nothing_is_made_for_others(tmp_path: Path) -> None:
    with nothing_for_others():
        (tmp_path / "inside").touch()
    (tmp_path / "after").touch()
    assert mode(tmp_path / "inside") & 0o077 == 0
    assert mode(tmp_path / "after") & 0o044 == 0o044


def test_output_of_tasks_is_the_clusters_own(tmp_path: Path) -> None:
    log = RotatingLog(tmp_path, "app.stdout", 2, 100)
    log.write(b"a secret")
    log.close()
    assert mode(tmp_path / "app.stdout.0") == 0o600


CREDENTIALS = [
    "CONSUL_HTTP_TOKEN",
    "NOMAD_TOKEN",
    "OUTRIDER_TOKEN",
    "OUTRIDER_DATABASE",
    "VAULT_TOKEN",
    "AWS_SECRET_ACCESS_KEY",
    "AZURE_CLIENT_SECRET",
    "GOOGLE_APPLICATION_CREDENTIALS",
    "GITHUB_TOKEN",
    "PGPASSWORD",
    "STRIPE_API_KEY",
    "npm_config_authtoken",
    "SSH_AUTH_SOCK",
]


def test_tasks_and_checks_inherit_no_credentials() -> None:
    found = host_environment({"PATH": "/bin", "HOME": "/root", "LANG": "C", **dict.fromkeys(CREDENTIALS, "x")})
    assert found == {"PATH": "/bin", "HOME": "/root", "LANG": "C"}


@pytest.fixture
def tokens() -> object:
    before = dict(os.environ)
    os.environ.update(dict.fromkeys(CREDENTIALS, "s3cr3t"))
    yield
    os.environ.clear()
    os.environ.update(before)


async def test_a_script_check_of_the_registry_does_not_see_the_portals_tokens(tokens: object) -> None:
    check = definition({"Name": "spy", "Args": ["/bin/sh", "-c", "env; echo end"], "Interval": 10.0, "Timeout": 5.0})
    found = await verdict(check)
    assert "PATH=" in found.output
    assert "end" in found.output
    assert "s3cr3t" not in found.output
