"""Fingerprints: the same for the same, another one for anything else, and the value is not in them."""

from __future__ import annotations

from outrider.operations.values.sighting import Told, sighting

KEY = b"k" * 32


def of(text: bytes | None, reference: str = "Consul key a", key: bytes = KEY) -> str:
    return sighting(key, reference, Told(text)).fingerprint


def test_a_fingerprint_depends_on_value_place_and_key_and_shows_nothing_of_them() -> None:
    prints = [of(b"on"), of(b"off"), of(b""), of(None), of(b"on", "Consul key b"), of(b"on", key=b"x" * 32)]
    assert len(set(prints)) == len(prints)
    assert of(b"on") == prints[0]
    assert all(len(one) == 32 and b"on".hex() not in one for one in prints[:1])


def test_what_is_lent_or_not_to_be_told_has_no_fingerprint() -> None:
    assert sighting(KEY, "a", Told(lease_s=60)).fingerprint == ""
    assert sighting(KEY, "a", Told(problem="403")).fingerprint == ""
    assert sighting(KEY, "a", Told()).is_gone
