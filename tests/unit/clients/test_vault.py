"""The portal's questions to Vault, against a stand-in of its API."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from dataclasses import replace

import pytest
from outrider_ground.errors import ConflictError, RemoteError
from outrider_harness.vault import ROOT, VaultStandIn, serving_vault

from outrider.clients.vault import VaultClient, vault_client
from outrider.server_settings import VaultSettings
from outrider.settings import settings

PATH = "secret/data/checkout"


@pytest.fixture
def vault() -> Generator[VaultStandIn]:
    with serving_vault() as served:
        yield served


@pytest.fixture
async def client(vault: VaultStandIn) -> AsyncGenerator[VaultClient]:
    made = vault_client(VaultSettings(vault.address, ROOT))
    assert made
    yield made
    await made.close()


def test_the_variables_are_those_of_vaults_own_tool() -> None:
    said = {
        "VAULT_ADDR": "https://vault.example:8200",
        "VAULT_TOKEN": "s.1",
        "VAULT_NAMESPACE": "team",
        "VAULT_CACERT": "/ca.pem",
        "VAULT_SKIP_VERIFY": "true",
    }
    found = settings(said).vault
    assert (found.address, found.token, found.namespace) == ("https://vault.example:8200", "s.1", "team")
    assert (found.tls.ca_file, found.tls.is_verified) == ("/ca.pem", False)
    assert "s.1" not in repr(found)
    assert vault_client(settings({}).vault) is None


async def test_a_secret_with_versions_is_told_apart_by_its_metadata_and_never_read(
    vault: VaultStandIn, client: VaultClient
) -> None:
    vault.put("checkout", password="one")
    first = await client.look(PATH)
    assert await client.look(PATH) == first
    vault.put("checkout", password="two")
    second = await client.look(PATH)
    assert (first.text, second.text) != (second.text, first.text)
    assert second.changed_at
    assert set(vault.asked) == {"GET secret/metadata/checkout"}
    assert b"two" not in (second.text or b"")


async def test_the_right_to_read_metadata_is_enough(vault: VaultStandIn, client: VaultClient) -> None:
    vault.rights["least"] = ("secret/metadata/",)
    vault.put("checkout", password="one")
    least = vault_client(VaultSettings(vault.address, "least"))
    assert least
    assert await least.look(PATH) == await client.look(PATH)
    await least.close()


@pytest.mark.parametrize("how", [{"deletion_time": "2026-11-27T12:00:00Z"}, {"destroyed": True}])
async def test_a_version_that_was_taken_away_is_gone(
    vault: VaultStandIn, client: VaultClient, how: dict[str, object]
) -> None:
    assert (await client.look(PATH)).text is None
    vault.put("checkout", password="one")
    vault.versions["checkout"][-1] |= how
    assert (await client.look(PATH)).text is None


async def test_a_store_without_versions_is_read(vault: VaultStandIn, client: VaultClient) -> None:
    vault.plain["kv/checkout"] = {"password": "one"}
    first = await client.look("kv/checkout")
    vault.plain["kv/checkout"] = {"password": "two"}
    second = await client.look("kv/checkout")
    assert first.text != second.text
    assert second.lease_s is None


async def test_a_lent_secret_is_given_back_and_lives_as_long_as_it_may_be_renewed(
    vault: VaultStandIn, client: VaultClient
) -> None:
    vault.lent = {"database/creds/app": (60, 3_600), "database/creds/short": (30, 30)}
    assert (await client.look("database/creds/app")).lease_s == 3_600
    assert (await client.look("database/creds/short")).lease_s == 30
    assert vault.leases == {}


async def test_without_the_right_to_renew_the_usual_life_counts(vault: VaultStandIn) -> None:
    vault.lent = {"database/creds/app": (60, 3_600)}
    vault.rights["least"] = ("database/creds/",)
    least = vault_client(VaultSettings(vault.address, "least"))
    assert least
    assert (await least.look("database/creds/app")).lease_s == 60
    await least.close()


async def test_a_refusal_and_a_seal_are_errors_with_their_status(vault: VaultStandIn, client: VaultClient) -> None:
    nobody = vault_client(replace(VaultSettings(vault.address), token="none"))
    assert nobody
    with pytest.raises(RemoteError) as refused:
        await nobody.look(PATH)
    assert refused.value.status == 403
    await nobody.close()
    vault.is_sealed = True
    with pytest.raises(RemoteError, match="Vault is sealed") as sealed:
        await client.look(PATH)
    assert sealed.value.status == 503
    assert await client.health() == "it is sealed"
    vault.is_sealed = False
    assert await client.health() == ""


async def test_fields_are_kept_only_on_top_of_the_version_that_was_read(
    vault: VaultStandIn, client: VaultClient
) -> None:
    assert await client.fields(PATH) == ({}, 0)
    await client.put_fields(PATH, {"password": "one"}, 0)
    assert await client.fields(PATH) == ({"password": "one"}, 1)
    with pytest.raises(ConflictError, match="has changed meanwhile"):
        await client.put_fields(PATH, {"password": "two"}, 0)
    await client.put_fields(PATH, {"password": "two"}, 1)
    assert [one["data"] for one in vault.versions["checkout"]] == [{"password": "one"}, {"password": "two"}]
    await client.delete_secret(PATH)
    assert vault.versions == {}, "with all its versions"
    await client.delete_secret(PATH)


async def test_a_right_that_lacks_and_a_store_that_is_none_are_named(vault: VaultStandIn, client: VaultClient) -> None:
    vault.rights["reader"] = ("secret/data/other",)
    reader = vault_client(VaultSettings(vault.address, "reader"))
    assert reader
    for asked, right in (
        (reader.fields(PATH), "read secret/data/checkout"),
        (reader.put_fields(PATH, {"a": "b"}, 0), "create and update secret/data/checkout"),
        (reader.delete_secret(PATH), "delete secret/metadata/checkout"),
    ):
        with pytest.raises(RemoteError, match=f"Vault does not let the portal {right}: permission denied") as refused:
            await asked
        assert refused.value.status == 403
    await reader.close()
    with pytest.raises(RemoteError, match="Vault takes no secret at nowhere/data/x"):
        await client.put_fields("nowhere/data/x", {"a": "b"}, 0)
