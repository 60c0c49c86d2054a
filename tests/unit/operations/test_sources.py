"""Where a spec came from: what is kept of it, and which sources are one."""

from __future__ import annotations

import pytest

from outrider.operations.version_source import VersionSource, without_credentials


@pytest.mark.parametrize(
    "address",
    [
        "https://git.example/shop/checkout",
        "https://oauth2:s3cret@git.example/shop/checkout.git",
        "git@git.example:shop/checkout.git",
        "ssh://git@GIT.example/shop/checkout.git",
        "https://git.example/shop/checkout/",
    ],
)
def test_a_repository_is_the_same_however_it_is_reached(address: str) -> None:
    one = VersionSource(path="deploy/outrider.yaml", repository=address, commit="a")
    other = VersionSource(path="deploy/outrider.yaml", repository="https://git.example/shop/checkout.git", commit="b")
    assert one.key == other.key == ("git.example/shop/checkout", "deploy/outrider.yaml")


def test_files_of_one_repository_and_of_two_machines_are_apart() -> None:
    keys = {
        VersionSource(path="a.yaml", repository="https://git.example/x/y").key,
        VersionSource(path="b.yaml", repository="https://git.example/x/y").key,
        VersionSource(path="a.yaml", repository="https://git.example/x/z").key,
        VersionSource(path="/home/ana/a.yaml").key,
        VersionSource(path="/srv/a.yaml").key,
    }
    assert len(keys) == 5


def test_an_edit_of_a_stored_version_is_of_no_files_source() -> None:
    assert VersionSource(kind="edit", edit="connect payments").key is None


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("https://ana:s3cret@git.example/a/b.git", "https://git.example/a/b.git"),
        ("https://glpat-x@git.example/a/b", "https://git.example/a/b"),
        ("https://a:p@ss@git.example/a/b", "https://git.example/a/b"),
        ("https://git.example/a/b?private_token=x#y", "https://git.example/a/b"),
        ("ssh://git@git.example/a/b", "ssh://git.example/a/b"),
        ("git@git.example:a/b.git", "git@git.example:a/b.git"),
        ("/srv/git/a.git", "/srv/git/a.git"),
        (None, None),
    ],
)
def test_credentials_in_an_address_are_not_kept(said: str | None, kept: str | None) -> None:
    assert without_credentials(said) == kept
