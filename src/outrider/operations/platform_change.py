"""What a changed platform file changes, and what of it cannot change while a portal runs: pure."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

from outrider.operations.differences import differences
from outrider.spec.notation import as_written

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from outrider.operations.answers.plan import Change
    from outrider.spec.platform import Environment, Platform


HASH_LENGTH = 12


def platform_hash(content: bytes) -> str:
    """By which a portal and whoever looks at a file know that they speak of the same one."""
    return hashlib.sha256(content).hexdigest()[:HASH_LENGTH]


def platform_changes(before: Platform, after: Platform) -> tuple[Change, ...]:
    """Every field that is another one, without the notes that are meant for specs."""
    old, new = before.model_dump(mode="json"), after.model_dump(mode="json")
    return tuple(replace(one, note="") for one in differences(old, new))


def in_one_line(changes: Iterable[Change]) -> str:
    """``defaults.timeout 1s → 800ms, tracing.sampling 5 (new)``."""
    return ", ".join(f"{one.path} {_values(one)}" for one in changes)


def _values(change: Change) -> str:
    if change.sign == "+":
        return f"{as_written(change.after)} (new)"
    return f"{as_written(change.before)} (gone)" if change.sign == "-" else _both(change)


def _both(change: Change) -> str:
    return f"{as_written(change.before)} → {as_written(change.after)}"


def unchangeable(before: Platform, after: Platform, deployed: Mapping[str, int]) -> tuple[str, ...]:
    """Why the new one cannot be taken as it is; ``deployed`` counts the services of each environment."""
    return tuple(_unchangeable(before, after, deployed))


def _unchangeable(before: Platform, after: Platform, deployed: Mapping[str, int]) -> Iterator[str]:
    if before.portal != after.portal:
        yield "portal: what nodes fetch names its address, so it cannot change while the portal runs; restart the portal"
    for name, old in before.environments.items():
        count, new = deployed.get(name, 0), after.environments.get(name)
        services = f"{count} service{'s' if count > 1 else ''} known there"
        if new is None and count:
            yield f"environments.{name}: it cannot go while the portal runs, with {services}; restart the portal"
        elif new is not None and count and is_elsewhere(old, new):
            yield (
                f"environments.{name}: its Nomad or Consul cannot be another one while the portal runs, with {services}; "
                "restart the portal"
            )


def is_elsewhere(before: Environment, after: Environment) -> bool:
    """Whether its servers are reached in another way."""
    return cluster(before) != cluster(after)


def cluster(one: Environment) -> tuple[str | None, ...]:
    """The servers that an environment is made of."""
    return (one.nomad.address, one.nomad.region, one.nomad.namespace, one.consul.address)
