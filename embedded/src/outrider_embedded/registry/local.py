"""The agent of this machine: which instances and checks it was told of, kept in step with the catalog.

The catalog learns a check's output only together with its status (Consul's ``check_update_interval``), so that
chatty checks wake nobody.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from outrider_embedded.registry.catalog import Catalog
from outrider_embedded.registry.check import CRITICAL, NODE_MAINTENANCE, PASSING, Check, service_maintenance
from outrider_embedded.registry.deadlines import Deadlines
from outrider_embedded.registry.definition import Definition
from outrider_embedded.registry.instance import Instance
from outrider_embedded.registry.node import Node
from outrider_embedded.registry.refusal import Refused, failed
from outrider_embedded.registry.registration import Registration

_NODE_REASON = "Maintenance mode is enabled for this node, but no reason was provided. This is a default message."
_SERVICE_REASON = "Maintenance mode is enabled for this service, but no reason was provided. This is a default message."


class LocalAgent:
    """Instances, checks and their definitions by id; ``now`` is a monotonic clock in seconds."""

    def __init__(self, catalog: Catalog, node: Node, now: Callable[[], float]) -> None:
        self._catalog = catalog
        self._now = now
        self.node = node.name
        self.instances: dict[str, Instance] = {}
        self.checks: dict[str, Check] = {}
        self.definitions: dict[str, Definition] = {}
        self.deadlines = Deadlines()
        self._redefined: set[str] = set()

    # ---- services

    def register(self, wanted: Registration, *, replace_existing: bool) -> None:
        """Add or change an instance with its checks; checks that stood before keep their status."""
        instance = wanted.instance
        if replace_existing:
            self._forget_checks(set(self.checks_of(instance.id)) - {each.id for each in wanted.definitions})
        self.instances[instance.id] = instance
        for each in wanted.definitions:
            self._define(each)
        self._sync(instance.id)

    def deregister(self, service_id: str) -> None:
        """Take an instance out with its checks; an unknown one is no error to Consul."""
        if self.instances.pop(service_id, None) is None:
            return
        for check_id in self.checks_of(service_id):
            self._forget(check_id)
        self._catalog.indexes.advance()
        self._catalog.remove_instance(self.node, service_id)

    def checks_of(self, service_id: str) -> dict[str, Check]:
        """The checks of one instance by id; of the node, where the id is empty."""
        return {check_id: check for check_id, check in self.checks.items() if check.service_id == service_id}

    # ---- checks

    def register_check(self, wanted: Definition) -> None:
        """Add a check to the node or to an instance."""
        if wanted.service_id and wanted.service_id not in self.instances:
            raise failed(f'ServiceID "{wanted.service_id}" does not exist')
        self._define(wanted)
        self._publish(self.checks[wanted.id])

    def deregister_check(self, check_id: str) -> None:
        if check_id in self.checks:
            self._forget_checks({check_id})

    def update(self, check_id: str, status: str, output: str) -> None:
        """Take in what a check has found; only another status reaches the catalog."""
        check = self.checks.get(check_id)
        if check is None or (check.status, check.output) == (status, output):
            return
        self.checks[check_id] = replace(check, status=status, output=output)
        self._watch_reap(check_id, status)
        if status != check.status:
            self._publish(self.checks[check_id])

    def take_redefined(self) -> frozenset[str]:
        """The checks whose definitions have come, changed or gone since the last call."""
        taken = frozenset(self._redefined)
        self._redefined.clear()
        return taken

    def beat(self, check_id: str, status: str, output: str) -> None:
        """A sign of life for a TTL check."""
        wanted = self.definitions.get(check_id)
        if wanted is None or wanted.kind != "ttl":
            raise failed(f'CheckID "{check_id}" does not have associated TTL')
        self.deadlines.set_expiry(check_id, self._now() + wanted.ttl)
        self.update(check_id, status, output)

    def expire(self) -> None:
        """Do what is due: TTL checks turn critical, instances critical for too long are taken out."""
        for check_id in self.deadlines.expired(self._now()):
            last = self.checks[check_id].output
            text = f"TTL expired (last output before timeout follows): {last}" if last else "TTL expired"
            self.update(check_id, CRITICAL, text)
        for check_id in self.deadlines.reapable(self._now()):
            if check_id in self.checks:
                self.deregister(self.checks[check_id].service_id)

    # ---- maintenance

    def set_service_maintenance(self, service_id: str, *, is_on: bool, reason: str) -> None:
        if service_id not in self.instances:
            raise Refused(404, f'No service registered with ID "{service_id}"')
        check = _never_run(
            self.node, service_maintenance(service_id), "Service Maintenance Mode", self.instances[service_id]
        )
        self._set_maintenance(replace(check, notes=reason or _SERVICE_REASON, type="maintenance"), is_on=is_on)

    def set_node_maintenance(self, *, is_on: bool, reason: str) -> None:
        check = _never_run(self.node, NODE_MAINTENANCE, "Node Maintenance Mode", None)
        self._set_maintenance(replace(check, notes=reason or _NODE_REASON, type="maintenance"), is_on=is_on)

    def _set_maintenance(self, check: Check, *, is_on: bool) -> None:
        if is_on and check.id not in self.checks:
            self.checks[check.id] = check
            self._publish(check)
        if not is_on:
            self.deregister_check(check.id)

    # ---- in step with the catalog

    def _define(self, wanted: Definition) -> None:
        before = self.checks.get(wanted.id)
        check = _never_run(self.node, wanted.id, wanted.name, self.instances.get(wanted.service_id))
        check = replace(check, notes=wanted.notes, type=wanted.kind, status=wanted.status or CRITICAL)
        if before is not None:
            check = replace(check, status=before.status, output=before.output)
        self.checks[wanted.id] = check
        self.definitions[wanted.id] = wanted
        self._redefined.add(wanted.id)
        if wanted.kind == "ttl":
            self.deadlines.set_expiry(wanted.id, self._now() + wanted.ttl)
        self._watch_reap(wanted.id, check.status)

    def _watch_reap(self, check_id: str, status: str) -> None:
        wanted = self.definitions.get(check_id)
        if wanted is None or not wanted.reap or not wanted.service_id:
            return
        self.deadlines.set_reap(check_id, None if status in {PASSING, "warning"} else self._now() + wanted.reap)

    def _sync(self, service_id: str) -> None:
        self._catalog.indexes.advance()
        instance = self.instances[service_id]
        self._catalog.put_instance(self.node, instance)
        for check_id, check in self.checks_of(service_id).items():
            renamed = replace(check, service_name=instance.name, service_tags=instance.tags)
            self.checks[check_id] = renamed
            self._put(renamed)

    def _publish(self, check: Check) -> None:
        self._catalog.indexes.advance()
        self._catalog.put_check(check)

    def _put(self, check: Check) -> None:
        known = {row.value.id: row.value for row in self._catalog.checks_of(self.node, check.service_id)}
        before = known.get(check.id)
        if before is None or replace(check, output=before.output) != before:
            self._catalog.put_check(check)

    def _forget_checks(self, check_ids: set[str]) -> None:
        for check_id in sorted(check_ids):
            self._forget(check_id)
            self._catalog.indexes.advance()
            self._catalog.remove_check(self.node, check_id)

    def _forget(self, check_id: str) -> None:
        del self.checks[check_id]
        self.definitions.pop(check_id, None)
        self._redefined.add(check_id)
        self.deadlines.forget(check_id)


def _never_run(node: str, check_id: str, name: str, instance: Instance | None) -> Check:
    """A check of the instance, or of the node where there is none, that nobody has asked yet."""
    if instance is None:
        return Check(node, check_id, name)
    return Check(node, check_id, name, service_id=instance.id, service_name=instance.name, service_tags=instance.tags)
