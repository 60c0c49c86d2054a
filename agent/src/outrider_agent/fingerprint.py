"""Content fingerprints without hashlib, whose libcrypto costs more memory than the whole agent."""

from __future__ import annotations

PRIME = (1 << 128) - 159  # the largest prime below 2**128


def fingerprint(content: bytes) -> str:
    """32 hexadecimal digits: the content, read as one number, modulo a prime (Rabin's fingerprint).

    It tells versions of one endpoint list apart and is the same in every process, which ``hash`` is not.
    It is no defence against somebody who makes up contents on purpose.
    """
    return f"{int.from_bytes(b'1' + content, 'big') % PRIME:032x}"
