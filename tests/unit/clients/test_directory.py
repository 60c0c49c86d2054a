"""A spec from elsewhere names a directory: it stays in its own repository, and what looks like a credential is named."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

import pytest
from outrider_ground.errors import SpecError
from support.packed import bytes_of

from outrider.clients.archive import directory_archive
from outrider.clients.credentials import credentials_in, credentials_warning
from outrider.clients.directory import (
    NOMADS_MOST_ENTRIES,
    directory_warnings,
    inner_directory,
    packed_directory_of,
)


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    """A spec in a repository, beside a neighbour of the repository."""
    folder = tmp_path / "repository" / "team"
    folder.mkdir(parents=True)
    (tmp_path / "neighbour").mkdir()
    (tmp_path / "repository" / "shared").mkdir()
    (folder / "app").mkdir()
    (folder / "outrider.yaml").touch()
    return folder / "outrider.yaml"


def test_the_specs_own_directory_and_what_is_below_it_are_packed(spec: Path) -> None:
    assert inner_directory(spec, ".") == spec.parent
    assert inner_directory(spec, "app") == spec.parent / "app"
    assert inner_directory(spec, "app/../app/.") == spec.parent / "app"


@pytest.mark.parametrize(
    "written", ["..", "../shared", "../../neighbour", "app/../../..", "/etc", "link", "~/x/../../.."]
)
def test_a_directory_outside_is_refused(spec: Path, written: str) -> None:
    (spec.parent / "link").symlink_to(spec.parent.parent.parent / "neighbour")
    with pytest.raises(SpecError, match=r"run\.directory: "):
        inner_directory(spec, written)


def test_within_a_repository_a_neighbouring_folder_may_be_packed_but_nothing_outside(spec: Path) -> None:
    (spec.parent.parent / ".git").mkdir()
    assert inner_directory(spec, "../shared") == spec.parent.parent / "shared"
    for written in ("../..", "../../neighbour", str(spec.parent.parent / "shared")):
        with pytest.raises(SpecError, match=r"leads out of|absolute path"):
            inner_directory(spec, written)


def test_the_place_of_a_linked_spec_is_where_it_really_lies(spec: Path, tmp_path: Path) -> None:
    (tmp_path / "outrider.yaml").symlink_to(spec)
    assert inner_directory(tmp_path / "outrider.yaml", "app") == spec.parent / "app"
    with pytest.raises(SpecError):
        inner_directory(tmp_path / "outrider.yaml", "neighbour")


def test_links_in_a_circle_end_in_one_error(spec: Path) -> None:
    (spec.parent / "a").symlink_to("b")
    (spec.parent / "b").symlink_to("a")
    with pytest.raises(SpecError, match="circle"):
        inner_directory(spec, "a")
    with pytest.raises(SpecError, match="circle"):
        directory_archive(spec.parent)


def test_a_missing_directory_is_named(spec: Path) -> None:
    with pytest.raises(SpecError, match="is no directory"):
        inner_directory(spec, "absent")


def test_what_a_directory_packs_is_the_same_by_whichever_link_its_spec_is_named(spec: Path, tmp_path: Path) -> None:
    (spec.parent / "app.py").write_text("x")
    (tmp_path / "named.yaml").symlink_to(spec)
    assert bytes_of(packed_directory_of(tmp_path / "named.yaml", ".")) == bytes_of(packed_directory_of(spec, "."))
    assert packed_directory_of(spec, ".").specs == ("outrider.yaml",)


def test_more_files_than_nomad_unpacks_are_told_before_a_node_says_so(spec: Path) -> None:
    for number in range(NOMADS_MOST_ENTRIES - 1):
        (spec.parent / f"f{number}").touch()
    assert list(directory_warnings(packed_directory_of(spec, "."))) == []
    (spec.parent / "one-more").touch()
    (said,) = directory_warnings(packed_directory_of(spec, "."))
    assert "4096 files and folders, and Nomad unpacks no more than 4095" in said


def test_two_names_of_one_file_are_two_files(spec: Path) -> None:
    (spec.parent / "one").write_text("x")
    os.link(spec.parent / "one", spec.parent / "two")
    with tarfile.open(fileobj=io.BytesIO(bytes_of(directory_archive(spec.parent)))) as tar:
        assert all(tar.getmember(name).isreg() for name in ("one", "two"))


def test_a_file_full_of_nothing_is_refused_before_it_is_read(spec: Path) -> None:
    with (spec.parent / "huge").open("wb") as file:
        file.truncate(20 << 30)
    with pytest.raises(SpecError, match="larger than 10 GB"):
        directory_archive(spec.parent)


NAMED = [
    ".env",
    ".env.production",
    "deploy/.netrc",
    ".aws/credentials",
    ".kube/config",
    "kubeconfig",
    "id_rsa",
    "keys/id_ed25519",
    ".git-credentials",
    ".pgpass",
    ".vault-token",
    "store.p12",
    "terraform.tfstate",
    ".docker/config.json",
    "credentials.json",
]
HARMLESS = [
    ".env.example",
    "environment.py",
    "id_rsa.pub",
    "config",
    "credentials.py",
    "public.pem",
    "netrc.md",
    "app.key",
]
KEY = b"-----BEGIN RSA PRIVATE KEY-----\nMIIE\n"


def test_credentials_are_known_by_their_names_and_by_what_they_hold(tmp_path: Path) -> None:
    for name in NAMED + HARMLESS:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("-----BEGIN CERTIFICATE-----")
    held = {
        "tls/server.pem": KEY,
        "notes.txt": b"x" * 5000 + KEY,
        ".npmrc": b"//r/:_authToken=abc",
        "a.cfg": b"aws_secret_access_key = x",
    }
    for name, content in held.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    packed = directory_archive(tmp_path).paths
    assert set(credentials_in(packed)) == {*NAMED, *held}
    warning = str(credentials_warning(packed))
    assert warning.endswith(f"and {len(NAMED) + len(held) - 5} more")


def test_nothing_is_said_where_there_is_nothing_to_warn_of(tmp_path: Path) -> None:
    (tmp_path / "app.py").touch()
    assert credentials_warning(directory_archive(tmp_path).paths) is None
