"""Consul's keys and Nomad's variables as they are asked for: a group of them by one question."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from outrider_ground.errors import RemoteError

from outrider.nomad.read.times import moment
from outrider.operations.values.sighting import Told

if TYPE_CHECKING:
    from collections.abc import Mapping

    from outrider.documents import Json
    from outrider.operations.nomad_port import Nomad
    from outrider.operations.ports import Consul
    from outrider.operations.values.groups import Group
    from outrider.operations.values.held_feed import Answer
    from outrider.spec.references import Reference

NAMESPACE = "@"
FORBIDDEN = 403


class ConsulKeys:
    """Keys, and all keys below a path, by their values."""

    def __init__(self, consul: Consul) -> None:
        self._consul = consul

    def path(self, reference: Reference) -> str:
        """What stands for all keys below it ends with a slash."""
        return reference.path + "/" if reference.store == "consul_prefix" else reference.path

    async def ask(self, group: Group, index: int, wait_s: float) -> Answer:
        """One key, or all that lie below what the paths begin with."""
        entries, now = await self._consul.entries(group.prefix, index, wait_s, is_exact=group.is_exact)
        if entries is None:
            return None, now
        return {
            path: _below(entries, path) if path.endswith("/") else _key(entries.get(path)) for path in group.paths
        }, now


def _key(value: bytes | None) -> Told:
    return Told(value, is_empty=value == b"")


def _below(entries: Mapping[str, bytes], path: str) -> Told:
    found = sorted((key, value.hex()) for key, value in entries.items() if key.startswith(path))
    return Told(json.dumps(found).encode() if found else None)


class NomadVariables:
    """Variables by their index: their values are not read. What the listing does not show is asked for by itself."""

    def __init__(self, nomad: Nomad) -> None:
        self._nomad = nomad

    def path(self, reference: Reference) -> str:
        """The namespace first, so that each has questions of its own."""
        path, _, namespace = reference.path.partition(NAMESPACE)
        return f"{namespace}{NAMESPACE}{path}"

    async def ask(self, group: Group, index: int, wait_s: float) -> Answer:
        """Their indexes by one listing."""
        namespace, _, prefix = group.prefix.partition(NAMESPACE)
        listed, now = await self._nomad.variables(prefix, namespace or None, index, wait_s)
        if listed is None:
            return None, now
        by_path = {str(one.get("Path")): one for one in listed}
        bare = {path: path.partition(NAMESPACE)[2] for path in group.paths}
        return {path: await self._told(by_path.get(name), name, namespace or None) for path, name in bare.items()}, now

    async def _told(self, found: Json | None, path: str, namespace: str | None) -> Told:
        """A listing leaves out what one may not see: whether it is there, the question for itself tells."""
        if found is None:
            try:
                found = await self._nomad.variable(path, namespace)
            except RemoteError as error:
                if error.status == FORBIDDEN:
                    return Told(problem="the portal's token may not list or read it in Nomad")
                raise
        if found is None:
            return Told()
        return Told(str(found.get("ModifyIndex")).encode(), changed_at=moment(found.get("ModifyTime")))
