"""What is about to be done, as far as it matters to those who might stop it; data only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from outrider.operations.release_records import Origin
    from outrider.operations.states import Kind
    from outrider.operations.version_source import VersionSource
    from outrider.spec.stored import StoredSpec


@dataclass(frozen=True, slots=True)
class Change:
    """A change of one service, by whom, and what would run then.

    ``hash`` is the content hash of that version, ``part`` the hash of its service's part, ``number`` its number where it
    is stored already, ``spec`` its spec; all are None where the change brings no version up, or nobody knows it.
    ``running`` is the stored version that runs now, ``source`` where the spec comes from.
    """

    service: str
    kind: Kind
    by: str
    hash: str | None = None
    part: str | None = None
    number: int | None = None
    spec: StoredSpec | None = None
    running: int | None = None
    origin: Origin | None = None
    source: VersionSource | None = None
