"""What was seen of a value where it is kept, and a fingerprint of it: the value itself goes no further."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime

SHOWN = 8
KEPT = 32
GONE, THERE = b"\x00", b"\x01"


@dataclass(frozen=True, slots=True)
class Told:
    """What a server says of one reference at this moment.

    ``text`` changes with the value: it is the value itself, or its version where a server tells that; None where it is gone.
    ``changed_at`` is when it changed, where the server knows. ``lease_s`` is how long a secret lives that is made for each who
    asks; it is no value that changes. ``problem`` says why nobody can tell.
    """

    text: bytes | None = None
    is_empty: bool = False
    changed_at: datetime | None = None
    lease_s: float | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Sighting:
    """The same without the text; what is gone has a fingerprint too, what is lent or not to be told has none."""

    fingerprint: str = ""
    is_gone: bool = False
    is_empty: bool = False
    lease_s: float | None = None
    problem: str = ""


def fingerprint(key: bytes, reference: str, text: bytes | None) -> str:
    """An HMAC, so that nobody who reads it can try out values; of the place too, so that equal values do not look alike."""
    return hmac.new(
        key, reference.encode() + (GONE if text is None else THERE) + (text or b""), hashlib.sha256
    ).hexdigest()[:KEPT]


def sighting(key: bytes, reference: str, told: Told) -> Sighting:
    """What was told without its text."""
    if told.problem or told.lease_s is not None:
        return Sighting(lease_s=told.lease_s, problem=told.problem)
    return Sighting(fingerprint(key, reference, told.text), told.text is None, told.is_empty)


def shown(print_: str) -> str:
    """The signs that people see of it."""
    return print_[:SHOWN]
