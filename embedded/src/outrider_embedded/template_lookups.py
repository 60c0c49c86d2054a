"""Where a template's values come from, and a record of what was read of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

ServiceInstances = Sequence[Mapping[str, Any]]
Fields = Mapping[str, Any]
Found = TypeVar("Found")


def _no_instances(name: str) -> ServiceInstances:  # noqa: ARG001  # the shape of a lookup
    return ()


def _no_pairs(prefix: str) -> Mapping[str, str]:  # noqa: ARG001  # the shape of a lookup
    return {}


@dataclass(frozen=True, slots=True)
class Lookups:
    """Where a template's values come from, besides environment and single keys.

    ``instances`` takes a service's name and gives what ``range service`` sees (Name, Address, Port, ID, Tags, Meta,
    Node, NodeAddress, Status); ``below`` gives the keys under a prefix with their values; ``catalog`` Consul's own lists
    of ``services`` and ``nodes``; ``secret`` (Vault) and
    ``variable`` (Nomad) take a path and give what is there, None where there is nothing; ``variables`` those under a
    prefix; ``file`` gives the text of a file, or raises ValueError. Left out, secrets, variables and files are refused.
    """

    instances: Callable[[str], ServiceInstances] = _no_instances
    below: Callable[[str], Mapping[str, str]] = _no_pairs
    catalog: Callable[[str], Any] = _no_pairs
    secret: Callable[[str], Fields | None] | None = None
    variable: Callable[[str], Fields | None] | None = None
    variables: Callable[[str], Sequence[Fields]] | None = None
    file: Callable[[str], str] | None = None


class MissingSourceError(Exception):
    """A function whose source this cluster does not have: its name, what was asked of it, and the next step."""

    def __init__(self, what: str, path: str, next_step: str) -> None:
        super().__init__(f"the one-machine cluster has no {what}: {path} cannot be read")
        self.next_step = next_step


@dataclass(frozen=True, slots=True)
class ReadRecord:
    """``reads`` (kinds and paths) and ``missing`` keep what one rendering read and did not find, in order.

    What is missing bears the name that consul-template, and so Nomad's events, give it: ``kv.block(path)``.
    """

    reads: dict[tuple[str, str], None] = field(default_factory=dict[tuple[str, str], None])
    missing: dict[str, None] = field(default_factory=dict[str, None])

    def note(self, kind: str, path: str) -> None:
        """Keep that it was read, whatever came of it."""
        self.reads[kind, path] = None

    def found(self, what: str, value: Found | None) -> Found | None:
        """What was read, for which the template waits where it is None."""
        if value is None:
            self.missing[what] = None
        return value

    def at_least_one(self, what: str, values: list[Found]) -> list[Found]:
        """What was read, for which the template waits where there is none of it."""
        if not values:
            self.missing[what] = None
        return values
