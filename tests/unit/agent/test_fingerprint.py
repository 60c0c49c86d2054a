"""Versions of endpoint lists: the same in every process, and different for different contents."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from outrider_agent.fingerprint import fingerprint


def test_a_fingerprint_is_the_same_in_every_process() -> None:
    assert fingerprint(b"payments" * 8) == "782f94f7ed46504c782f94ff48a7d465"


def test_leading_zero_bytes_count() -> None:
    assert len({fingerprint(content) for content in (b"", b"\0", b"\0\0")}) == 3


@given(st.binary(max_size=200), st.integers(0, 199), st.integers(1, 255))
def test_one_changed_byte_changes_the_fingerprint(content: bytes, position: int, change: int) -> None:
    at = position % (len(content) + 1)
    other = content[:at] + bytes([(content[at] if at < len(content) else 0) ^ change]) + content[at + 1 :]
    assert fingerprint(content) != fingerprint(other)
    assert len(fingerprint(content)) == 32
