"""The key-value store: entries with their indexes, and what a query on a key or a prefix waits for."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

from outrider_embedded.registry.indexes import KEYS, Indexes
from outrider_embedded.registry.rows import Row, changed


@dataclass(frozen=True, slots=True)
class Entry:
    """One key's value; ``flags`` is the client's own number."""

    key: str
    value: bytes
    flags: int = 0


class KeyValues:
    """Entries by key, and of each deleted key the index of its end, so that an index never runs backwards."""

    def __init__(self, entries: Indexes) -> None:
        self._indexes = entries
        self._rows: dict[str, Row[Entry]] = {}
        self._ends: dict[str, int] = {}

    def get(self, key: str) -> Row[Entry] | None:
        return self._rows.get(key)

    def below(self, prefix: str) -> list[Row[Entry]]:
        return [self._rows[key] for key in sorted(self._rows) if key.startswith(prefix)]

    def put(self, entry: Entry, cas: int | None = None) -> bool:
        """Set a key; with ``cas`` only where its last change has that index (0: where it is missing)."""
        self._indexes.advance()
        old = self._rows.get(entry.key)
        if cas is not None and cas != (old.modified if old else 0):
            return False
        row = changed(old, entry, self._indexes.current)
        if row is not None:
            self._rows[entry.key] = row
            self._indexes.touch(KEYS, of_key(entry.key))
        return True

    def delete(self, key: str, cas: int | None = None) -> bool:
        """Delete a key; with ``cas`` only where its last change has that index."""
        self._indexes.advance()
        old = self._rows.get(key)
        if cas is not None and old is not None and cas != old.modified:
            return False
        if old is not None:
            self._end(key)
        return True

    def delete_below(self, prefix: str) -> bool:
        self._indexes.advance()
        for row in self.below(prefix):
            self._end(row.value.key)
        return True

    def index_of(self, key: str) -> int:
        """The index of a query on one key: its own, or the whole table's where it is missing."""
        row = self._rows.get(key)
        return row.modified if row else self._indexes.highest(KEYS)

    def index_below(self, prefix: str) -> int:
        """The index of a query on a prefix: the last change or deletion under it, or the whole table's."""
        changes = [row.modified for row in self.below(prefix)]
        ends = [index for key, index in self._ends.items() if key.startswith(prefix)]
        return max((*changes, *ends), default=0) or self._indexes.highest(KEYS)

    def _end(self, key: str) -> None:
        del self._rows[key]
        self._ends[key] = self._indexes.current
        self._indexes.touch(KEYS, of_key(key))


def entry_document(row: Row[Entry]) -> dict[str, Any]:
    """As in /v1/kv; an empty value is null."""
    return {
        "LockIndex": 0,
        "Key": row.value.key,
        "Flags": row.value.flags,
        "Value": base64.b64encode(row.value.value).decode() or None,
        "CreateIndex": row.created,
        "ModifyIndex": row.modified,
    }


def of_key(key: str) -> str:
    """The index key of one entry."""
    return f"key.{key}"
