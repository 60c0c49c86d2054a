"""Fingerprints in the store, and who may roll values out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from outrider.operations.records import Seen
from outrider.spec.references import Reference
from outrider.store.store import SqlStore
from outrider.store.values import MOST_KEPT

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)
FLAG = Reference("consul", "config/flag")


async def test_what_looks_as_it_did_is_kept_once_and_what_changes_is_kept_in_its_order(
    store: SqlStore, service: str
) -> None:
    for number, sign in enumerate("aab"):
        await store.values.add_sighting(service, FLAG, Seen(sign * 32, NOON + timedelta(seconds=number)))
    found = await store.values.sightings(service)
    assert found == {FLAG: (Seen("a" * 32, NOON), Seen("b" * 32, NOON + timedelta(seconds=2)))}
    assert await store.values.sightings(f"{service}-other") == {}


async def test_old_ones_are_forgotten_and_the_newest_stay(store: SqlStore, service: str) -> None:
    for number in range(MOST_KEPT + 5):
        await store.values.add_sighting(service, FLAG, Seen(f"{number:032}", NOON))
    kept = (await store.values.sightings(service))[FLAG]
    assert (len(kept), kept[0].fingerprint, kept[-1].fingerprint) == (MOST_KEPT, f"{5:032}", f"{MOST_KEPT + 4:032}")


async def test_one_key_for_all_portals(store: SqlStore) -> None:
    made = await store.values.key()
    assert len(made) == 32
    assert await store.values.key() == made


async def test_one_holder_at_a_time_and_the_next_when_the_lease_is_over(store: SqlStore, service: str) -> None:
    assert await store.values.claim(service, "one", 60)
    assert await store.values.claim(service, "one", 60)
    assert not await store.values.claim(service, "two", 60)
    assert await store.values.claim(f"{service}-other", "two", 60)
    assert await store.values.claim(service, "one", -1)
    assert await store.values.claim(service, "two", 60)
    assert not await store.values.claim(service, "one", 60)


@pytest.fixture
def service() -> str:
    return f"e{datetime.now(UTC).timestamp():.6f}"
