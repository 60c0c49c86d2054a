"""Secrets that are looked at now and then."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from outrider_harness.vault import ROOT, VaultStandIn, serving_vault

from outrider.clients.vault import vault_client
from outrider.operations.values.pace import ValuePace
from outrider.operations.values.sighting import Told
from outrider.operations.values.vault_feed import VaultFeed
from outrider.server_settings import VaultSettings
from outrider.spec.references import Reference

PACE = ValuePace(turn=0.02)
SECRET, LENT = Reference("vault", "secret/data/checkout"), Reference("vault", "database/creds/app")


class Heard(dict[Reference, Told]):
    async def tell(self, reference: Reference, told: Told) -> None:
        self[reference] = told

    async def until(self, reference: Reference, problem: bool = False, but: bytes | None = b"none yet") -> Told:
        async with asyncio.timeout(10):
            while True:
                told = self.get(reference)
                if told is not None and bool(told.problem) == problem and told.text != but:
                    return told
                await asyncio.sleep(0.01)


@asynccontextmanager
async def following(vault: VaultStandIn, token: str = ROOT) -> AsyncGenerator[Heard]:
    client, heard = vault_client(VaultSettings(vault.address, token)), Heard()
    assert client
    feed = VaultFeed(client, heard.tell, PACE)
    feed.watch([SECRET, LENT])
    try:
        yield heard
    finally:
        await feed.close()
        await client.close()


async def test_a_new_version_is_told_and_what_is_lent_is_asked_for_once() -> None:
    with serving_vault() as vault:
        vault.put("checkout", password="one")
        vault.lent = {LENT.path: (60, 600)}
        async with following(vault) as heard:
            first = await heard.until(SECRET)
            vault.put("checkout", password="two")
            second = await heard.until(SECRET, but=first.text)
            assert second.text != first.text
            assert (await heard.until(LENT)).lease_s == 600
            await asyncio.sleep(0.2)
        assert vault.asked.count(f"GET {LENT.path}") == 1
        assert vault.leases == {}


async def test_a_seal_leaves_what_was_known_and_only_one_that_lasts_is_told() -> None:
    with serving_vault() as vault:
        vault.put("checkout", password="one")
        async with following(vault) as heard:
            first = await heard.until(SECRET)
            vault.is_sealed = True
            assert (
                "Vault is sealed"
                in (await heard.until(SECRET, problem=True, but=None if first.text is None else b"")).problem
            )
            vault.is_sealed = False
            assert (await heard.until(SECRET)).text == first.text


async def test_a_refusal_is_told_at_once_and_concerns_that_secret_alone() -> None:
    with serving_vault() as vault:
        vault.put("checkout", password="one")
        vault.rights["some"] = ("secret/metadata/",)
        vault.lent = {LENT.path: (60, 600)}
        async with following(vault, "some") as heard:
            assert "403" in (await heard.until(LENT, problem=True)).problem
            assert (await heard.until(SECRET)).text


async def test_without_a_vault_the_portal_says_how_to_name_one() -> None:
    heard = Heard()
    feed = VaultFeed(None, heard.tell, PACE)
    feed.watch([SECRET])
    try:
        assert "VAULT_ADDR" in (await heard.until(SECRET, problem=True)).problem
    finally:
        await feed.close()
