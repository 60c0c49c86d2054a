"""What a template reads of Consul's keys: one, or all that begin with a prefix."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from outrider_embedded.template_lookups import Lookups, MissingSourceError, ReadRecord


class KeySource:
    """The functions by which templates read keys."""

    def __init__(self, key_value: Callable[[str], str | None], lookups: Lookups, record: ReadRecord) -> None:
        self._key_value = key_value
        self._lookups = lookups
        self._record = record

    def functions(self) -> dict[str, Callable[..., Any]]:
        """By the name that templates call them."""
        return {
            "key": self._key,
            "keyExists": self._key_exists,
            "keyOrDefault": self._key_or_default,
            "ls": self._ls,
            "safeLs": self._safe_ls,
            "tree": self._tree,
            "safeTree": self._safe_tree,
        }

    def _key(self, path: str) -> str:
        value = self._value(path) if path else ""
        return self._record.found(f"kv.block({path.removeprefix('/')})", value) or ""

    def _key_exists(self, path: str) -> bool:
        return bool(path) and self._value(path) is not None

    def _key_or_default(self, path: str, default: str) -> str:
        return (self._value(path) if path else "") or default

    def _value(self, said: str) -> str | None:
        """Behind an @ stands a datacenter, behind a ? a partition or namespace."""
        path = said.removeprefix("/")
        if "@" in path or "?" in path:
            raise MissingSourceError("other datacenter", f"key {said}", "Write a key without @ and ?.")
        self._record.note("key", path)
        return self._key_value(path)

    def _ls(self, prefix: str) -> list[dict[str, str]]:
        return [pair for pair in self._tree(prefix) if "/" not in pair["Key"]]

    def _tree(self, prefix: str) -> list[dict[str, str]]:
        """The keys that begin so, never all of them: an empty prefix has none. One that ends in / is a folder, and left out.

        As Consul lists keys, ``a/b`` lists ``a/bc`` too.
        """
        if not prefix:
            return []
        start = prefix.removeprefix("/")
        self._record.note("prefix", start)
        found = sorted(self._lookups.below(start).items())
        return [
            {"Key": key.removeprefix(start).lstrip("/"), "Path": key, "Value": value}
            for key, value in found
            if not key.endswith("/") and key != start
        ]

    def _safe_ls(self, prefix: str) -> list[dict[str, str]]:
        return self._record.at_least_one(f"kv.list({prefix})", self._ls(prefix))

    def _safe_tree(self, prefix: str) -> list[dict[str, str]]:
        return self._record.at_least_one(f"kv.list({prefix})", self._tree(prefix))
