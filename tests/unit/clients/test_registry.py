"""Digests from a registry: names, credentials, and what is never done with them."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from outrider_ground.errors import RemoteError, UsageError
from support.registry import BASIC, StandIn, registry

from outrider.clients.registry import MANIFESTS, RegistryClient
from outrider.clients.registry_credentials import credentials_for
from outrider.settings import settings

MANIFEST = b'{"schemaVersion": 2}'


@pytest.fixture
async def there() -> AsyncGenerator[StandIn]:
    async with registry() as made:
        made.manifests["shop/checkout:1.4.2"] = MANIFEST
        yield made


def image(there: StandIn, tag: str = "1.4.2") -> str:
    return f"{there.address}/shop/checkout:{tag}"


def login(folder: Path, host: str, auth: str = BASIC) -> Path:
    """A file as `docker login` writes it."""
    file = folder / "config.json"
    file.write_text(json.dumps({"auths": {host: {"auth": auth}}, "credsStore": "secretservice"}))
    return file


async def test_a_registry_that_asks_for_nothing_tells_the_digest_of_a_tag(there: StandIn) -> None:
    assert await RegistryClient().digest(image(there)) == there.digest("shop/checkout:1.4.2")
    assert there.seen == [("HEAD", "/v2/shop/checkout/manifests/1.4.2", "", MANIFESTS)]


async def test_indexes_and_single_manifests_of_oci_and_docker_are_asked_for(there: StandIn) -> None:
    await RegistryClient().digest(image(there))
    for kind in ("oci.image.index", "oci.image.manifest", "manifest.list.v2", "manifest.v2"):
        assert kind in there.seen[0][3]


async def test_a_digest_that_is_written_is_asked_of_nobody() -> None:
    digest = "sha256:" + "0" * 64
    assert await RegistryClient().digest(f"nobody.invalid/app@{digest}") == digest


async def test_without_credentials_a_token_is_asked_for_as_anybody(there: StandIn) -> None:
    there.asks_for = "bearer"
    assert await RegistryClient().digest(image(there)) == there.digest("shop/checkout:1.4.2")
    asked = [(method, authorization) for method, _, authorization, _ in there.seen]
    assert asked == [("HEAD", ""), ("GET", ""), ("HEAD", "Bearer T0KEN")]
    assert there.seen[1][1] == "service=registry.test&scope=repository%3Ashop%2Fcheckout%3Apull"


async def test_credentials_of_docker_login_get_the_token(there: StandIn, tmp_path: Path) -> None:
    there.asks_for, there.tokens_for_anybody = "bearer", False
    with pytest.raises(RemoteError, match="401"):
        await RegistryClient().digest(image(there))
    known = RegistryClient(credentials=login(tmp_path, there.address))
    assert await known.digest(image(there)) == there.digest("shop/checkout:1.4.2")


async def test_a_registry_with_passwords_gets_that_of_docker_login(there: StandIn, tmp_path: Path) -> None:
    there.asks_for = "basic"
    known = RegistryClient(credentials=login(tmp_path, there.address))
    assert await known.digest(image(there)) == there.digest("shop/checkout:1.4.2")
    with pytest.raises(RemoteError, match="without credentials"):
        await RegistryClient().digest(image(there))


async def test_credentials_go_to_no_other_registry(there: StandIn, tmp_path: Path) -> None:
    there.asks_for = "bearer"
    await RegistryClient(credentials=login(tmp_path, "registry.example")).digest(image(there))
    assert {authorization for _, _, authorization, _ in there.seen} == {"", "Bearer T0KEN"}


async def test_a_token_is_fetched_from_nobody_in_plain_text(there: StandIn, tmp_path: Path) -> None:
    there.asks_for, there.realm = "bearer", "http://tokens.example/token"
    with pytest.raises(RemoteError, match="not https"):
        await RegistryClient(credentials=login(tmp_path, there.address)).digest(image(there))
    assert all(not authorization for _, _, authorization, _ in there.seen)


async def test_a_redirect_is_told_and_not_followed(there: StandIn, tmp_path: Path) -> None:
    there.redirects_to = "http://127.0.0.1:9/elsewhere"
    with pytest.raises(RemoteError, match="307"):
        await RegistryClient(credentials=login(tmp_path, there.address)).digest(image(there))


async def test_a_registry_that_names_no_digest_is_asked_for_the_manifest(there: StandIn) -> None:
    there.names_digest = False
    assert await RegistryClient().digest(image(there)) == there.digest("shop/checkout:1.4.2")


async def test_an_image_that_is_not_there_is_named(there: StandIn) -> None:
    with pytest.raises(UsageError, match=r"has no shop/checkout:9"):
        await RegistryClient().digest(image(there, "9"))


async def test_a_registry_that_is_away_is_named() -> None:
    with pytest.raises(RemoteError, match=r"127\.0\.0\.1:9"):
        await RegistryClient().digest("127.0.0.1:9/app:1")


def test_plain_http_is_for_this_machine_and_for_what_the_operators_name() -> None:
    client = RegistryClient(plain_http=lambda: ["registry.internal:5000"])
    hosts = ("localhost:5000", "127.0.0.1", "[::1]:5000", "registry.internal:5000", "registry.internal", "docker.io")
    addresses = [client.address(one) for one in hosts]
    assert addresses == [
        "http://localhost:5000",
        "http://127.0.0.1",
        "http://[::1]:5000",
        "http://registry.internal:5000",
        "https://registry.internal",
        "https://registry-1.docker.io",
    ]


@pytest.mark.parametrize("key", ["https://index.docker.io/v1/", "docker.io"])
def test_docker_hub_has_the_key_that_docker_login_writes(tmp_path: Path, key: str) -> None:
    assert credentials_for(login(tmp_path, key), "docker.io") == BASIC


def test_a_user_and_a_password_are_credentials_too(tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    file.write_text('{"auths": {"r": {"username": "robot", "password": "secret"}, "empty": {}}}')
    assert (credentials_for(file, "r"), credentials_for(file, "empty")) == (BASIC, None)
    assert credentials_for(tmp_path / "none", "r") is None


@pytest.mark.parametrize(
    "content", ["{", "[]", '{"auths": 5}', '{"auths": {"r": {"auth": "not base64!"}}}', '{"auths": {"r": "x"}}']
)
def test_a_file_that_docker_did_not_write_is_refused_without_its_content(tmp_path: Path, content: str) -> None:
    file = tmp_path / "config.json"
    file.write_text(content)
    with pytest.raises(UsageError) as error:
        credentials_for(file, "r")
    assert "auths" not in str(error.value)


def test_the_file_of_credentials_is_dockers_own(tmp_path: Path) -> None:
    nowhere = tmp_path / "context.toml"
    assert settings({"HOME": "/home/kim"}, nowhere).registries == Path("/home/kim/.docker/config.json")
    assert settings({"HOME": "/home/kim", "DOCKER_CONFIG": "/etc/d"}, nowhere).registries == Path("/etc/d/config.json")
    assert settings({}, nowhere).registries is None
