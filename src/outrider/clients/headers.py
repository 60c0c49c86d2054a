"""Headers as they are sent: bytes, which hold a secret or are refused without showing it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outrider_ground.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping


def sendable(name: str, headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    """The headers as they are sent; UsageError, which does not repeat the secret, where a header cannot carry one."""
    for header, value in headers.items():
        if not value.isprintable():
            raise UsageError(
                f"what {name} would get as {header} holds a line feed or another sign that no header can carry",
                next_step=f"Look at the token for {name}: it is one line of plain signs.",
            )
    return [(header.encode(), value.encode()) for header, value in headers.items()]
