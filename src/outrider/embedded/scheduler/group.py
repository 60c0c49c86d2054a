"""Reconciliation of one group: which allocations stay, end, are replaced, and how many at a time (pure)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from outrider.embedded.scheduler import deployment as deployments
from outrider.embedded.scheduler.allocation import (
    alloc_index,
    is_canary,
    is_client_terminal,
    is_healthy,
    is_server_terminal,
    is_unhealthy,
    stopped,
)
from outrider.embedded.scheduler.change import is_destructive
from outrider.embedded.scheduler.decision import (
    MIGRATING,
    NOT_NEEDED,
    RESCHEDULED,
    UPDATING,
    GroupDecisions,
    Placement,
    Updates,
)
from outrider.embedded.scheduler.reschedule import is_reschedule_eligible, reschedule_time

if TYPE_CHECKING:
    from outrider.embedded.scheduler.reconcile import World

Document = dict[str, Any]

_WINDOW = 1_000_000_000
"""A replacement that is due within a second is placed now."""


@dataclass(frozen=True, slots=True)
class _Sorted:
    """A group's live allocations by what is to become of them."""

    stay: list[Document]
    migrate: list[Document]
    reschedule: list[Document]
    later: list[tuple[Document, int]]
    canaries: list[Document]
    stop: list[Document]


def reconciled_group(world: World, name: str, current: Document | None, old: Document | None) -> GroupDecisions:
    """The decisions on one group; ``current`` is the deployment of this version, ``old`` the one before."""
    live = [one for one in world.allocations if one["TaskGroup"] == name and not is_server_terminal(one)]
    group = next((group for group in world.job["TaskGroups"] if group["Name"] == name), None)
    if group is None or not group["Count"]:
        stops = tuple(stopped(one, NOT_NEEDED) for one in live if not is_client_terminal(one))
        return GroupDecisions(name, Updates(stop=len(stops)), stop=stops)
    return _Group(world, group, current, old).decided(live)


class _Group:
    """One group's reconciliation: the facts that every step needs."""

    def __init__(self, world: World, group: Document, current: Document | None, old: Document | None) -> None:
        self.world, self.group, self.current, self.old = world, group, current, old
        self.name: str = group["Name"]
        self.update: Document = group["Update"] or {}
        states = current["TaskGroups"] if current else {}
        self.has_state = self.name in states
        self.state: Document = states.get(self.name) or deployments.new_group_state(group)
        self.is_halted = current is not None and current["Status"] in {"paused", "failed"}

    def decided(self, live: list[Document]) -> GroupDecisions:
        sets = self._sorted(live)
        surplus = self._surplus(sets)
        stay = _without(sets.stay, surplus)
        destructive, inplace, same = self._by_change(stay)
        others = _without(stay, sets.canaries) if self._is_canarying() else stay
        canaries = self._canary_placements(destructive, sets, others)
        missing = self._missing(others, sets)
        self._count_desired(destructive, inplace, missing)
        is_ready = not self.is_halted and not self._is_canarying()
        placed = missing if is_ready else [one for one in missing if self._may_reschedule(one)]
        limit = max(0, self._limit(others, destructive, sets) - len(placed)) if is_ready else 0
        replaced = destructive[:limit]
        migrated = [Placement(one["Name"], self.group, is_canary(one), one) for one in sets.migrate]
        stops = [stopped(one, UPDATING) for one in replaced] + [stopped(one, MIGRATING) for one in sets.migrate]
        stops += [stopped(p.previous, RESCHEDULED) for p in placed if p.previous is not None]
        unneeded = [stopped(one, NOT_NEEDED) for one in (*sets.stop, *surplus)]
        renewed = [Placement(one["Name"], self.group, False, one, is_destructive=True) for one in replaced]
        updates = Updates(
            ignore=len(same) + len(destructive) - len(replaced),
            place=len(placed),
            migrate=len(sets.migrate),
            stop=len(unneeded) + sum(p.is_rescheduling for p in placed),
            in_place=len(inplace),
            destructive=len(replaced),
            canary=len(canaries),
            reschedule_now=len(sets.reschedule),
            reschedule_later=len(sets.later),
        )
        result = GroupDecisions(
            self.name,
            updates,
            place=(*placed, *canaries, *migrated, *renewed),
            stop=(*unneeded, *stops),
            inplace=tuple(inplace),
            later=tuple(sets.later),
            state=self.state,
            needs_deployment=self._needs_deployment(live, destructive, inplace),
        )
        return replace(result, is_complete=self._is_complete(result, destructive))

    def _sorted(self, live: list[Document]) -> _Sorted:
        unwanted = self._unwanted_canaries()
        stop = [one for one in live if one["ID"] in unwanted]
        rest = [one for one in _without(live, stop) if self._counts(one)]
        migrate = [one for one in rest if one["DesiredTransition"]["Migrate"]]
        placed = {one for state in self._states(self.current) for one in state["PlacedCanaries"] or ()}
        stay, now, later = self._by_reschedule(_without(rest, migrate))
        # A canary that has to move is only stopped: the need for a canary places the next one.
        canary_moves = [one for one in migrate if one["ID"] in placed and self._is_canarying()]
        stop_all = [*stop, *canary_moves]
        canaries = [one for one in stay if one["ID"] in placed]
        return _Sorted(stay, _without(migrate, canary_moves), now, later, canaries, stop_all)

    def _counts(self, allocation: Document) -> bool:
        """A service's allocation that ended counts no more; a batch job's that ended well has done its work."""
        if allocation["ClientStatus"] != "complete" or self.world.job["Type"] == "service":
            return allocation["ClientStatus"] not in {"complete", "lost"}
        return allocation["Job"]["Version"] == self.world.job["Version"]

    def _states(self, deployment: Document | None) -> list[Document]:
        return list(deployment["TaskGroups"].values()) if deployment else []

    def _unwanted_canaries(self) -> set[str]:
        """Canaries of an earlier deployment, or of a failed one, that were never promoted."""
        has_failed = self.current is not None and self.current["Status"] == "failed"
        states = self._states(self.old) + (self._states(self.current) if has_failed else [])
        return {one for state in states if not state["Promoted"] for one in state["PlacedCanaries"] or ()}

    def _by_reschedule(self, rest: list[Document]) -> tuple[list[Document], list[Document], list[tuple[Document, int]]]:
        stay: list[Document] = []
        now: list[Document] = []
        later: list[tuple[Document, int]] = []
        for one in rest:
            due = self._due(one)
            if due is not None and due - self.world.now <= _WINDOW:
                now.append(one)
                continue
            stay.append(one)
            if due is not None and not one["FollowupEvalID"]:
                later.append((one, due))
        return stay, now, later

    def _due(self, allocation: Document) -> int | None:
        """Nanoseconds of the time at which a failed allocation is to be replaced; None for never."""
        if allocation["ClientStatus"] != "failed" or allocation["NextAllocation"]:
            return None
        current = self.current
        if current is not None and allocation["DeploymentID"] == current["ID"]:
            is_blocked = deployments.is_active(current) and not allocation["DesiredTransition"]["Reschedule"]
            if is_blocked or current["Status"] == "failed":
                return None
        policy = self.group["ReschedulePolicy"]
        if not is_reschedule_eligible(allocation, policy, self.world.now):
            return None
        return reschedule_time(allocation, policy)

    def _surplus(self, sets: _Sorted) -> list[Document]:
        """The allocations beyond the count: those that a promoted canary replaces first, then the highest numbers."""
        stay = _without(sets.stay, sets.canaries) if self._is_canarying() else sets.stay
        remove = len(stay) + len(sets.migrate) - self.group["Count"]
        if remove <= 0:
            return []
        candidates = [one for one in stay if not is_client_terminal(one)]
        names = set[str]() if self._is_canarying() else {one["Name"] for one in sets.canaries}
        canaries = {one["ID"] for one in sets.canaries}
        twins = [one for one in candidates if one["Name"] in names and one["ID"] not in canaries]
        others = sorted(_without(candidates, twins), key=alloc_index, reverse=True)
        return [*twins, *others][:remove]

    def _by_change(self, stay: list[Document]) -> tuple[list[Document], list[Document], list[Document]]:
        """The allocations by what the job's change means to them: a new process, a new document, nothing."""
        destructive: list[Document] = []
        inplace: list[Document] = []
        same: list[Document] = []
        for one in sorted(stay, key=alloc_index):
            if one["Job"]["JobModifyIndex"] == self.world.job["JobModifyIndex"]:
                same.append(one)
            elif is_destructive(one["Job"], self.world.job, self.name) or not self.world.fits(self.group):
                destructive.append(one)
            elif is_client_terminal(one):
                same.append(one)
            else:
                inplace.append(one)
        return destructive, inplace, same

    def _is_canarying(self) -> bool:
        return self.state["DesiredCanaries"] > 0 and not self.state["Promoted"]

    def _canary_placements(self, destructive: list[Document], sets: _Sorted, others: list[Document]) -> list[Placement]:
        wanted: int = self.update.get("Canary", 0)
        needs = bool(destructive) and len(sets.canaries) < wanted and not self.state["Promoted"]
        if not needs:
            return []
        self.state = {**self.state, "DesiredCanaries": wanted}
        if self.is_halted:
            return []
        taken = {alloc_index(one) for one in sets.canaries}
        targets = [alloc_index(one) for one in destructive] + list(range(len(others), len(others) + wanted))
        free = [index for index in targets if index not in taken]
        return [Placement(self._named(index), self.group, True) for index in free[: wanted - len(sets.canaries)]]

    def _missing(self, others: list[Document], sets: _Sorted) -> list[Placement]:
        again = [
            Placement(one["Name"], self.group, is_canary(one), one, is_rescheduling=True) for one in sets.reschedule
        ]
        present = [*others, *sets.migrate, *sets.reschedule]
        taken = {alloc_index(one) for one in present}
        free = [index for index in range(self.group["Count"]) if index not in taken]
        missing = max(0, self.group["Count"] - len(present))
        return again + [Placement(self._named(index), self.group) for index in free[:missing]]

    def _named(self, index: int) -> str:
        return f"{self.world.job['ID']}.{self.name}[{index}]"

    def _may_reschedule(self, placement: Placement) -> bool:
        """Whether a failed allocation is replaced even while the deployment places nothing."""
        previous, current = placement.previous, self.current
        if not placement.is_rescheduling or previous is None:
            return False
        has_failed = current is not None and current["Status"] == "failed"
        return not (has_failed and current is not None and previous["DeploymentID"] == current["ID"])

    def _count_desired(self, *changes: list[Any]) -> None:
        if not self.has_state:
            total = self.state["DesiredTotal"] + sum(len(change) for change in changes)
            self.state = {**self.state, "DesiredTotal": total}

    def _limit(self, others: list[Document], destructive: list[Document], sets: _Sorted) -> int:
        """How many allocations may be placed or replaced now."""
        if not self.update.get("MaxParallel") or not destructive + sets.migrate:
            return max(self.group["Count"], len(destructive))
        if self.current is None:
            return int(self.update["MaxParallel"])
        own = [one for one in others if one["DeploymentID"] == self.current["ID"]]
        if any(is_unhealthy(one) for one in own):
            return 0
        return max(0, self.update["MaxParallel"] - sum(not is_healthy(one) for one in own))

    def _needs_deployment(self, live: list[Document], destructive: list[Document], inplace: list[Document]) -> bool:
        if self.has_state or not self.update.get("MaxParallel") or not self.state["DesiredTotal"]:
            return False
        own = (self.world.job["CreateIndex"], self.world.job["Version"])
        has_run = any((one["Job"]["CreateIndex"], one["Job"]["Version"]) == own for one in live)
        return bool(destructive or inplace) or not has_run

    def _is_complete(self, result: GroupDecisions, destructive: list[Document]) -> bool:
        if destructive or result.inplace or result.place or result.later:
            return False
        if not self.has_state:
            return True
        wanted = max(self.state["DesiredTotal"], self.state["DesiredCanaries"])
        return self.state["HealthyAllocs"] >= wanted and not self._is_canarying()


def _without(allocations: list[Document], others: list[Document]) -> list[Document]:
    excluded = {one["ID"] for one in others}
    return [one for one in allocations if one["ID"] not in excluded]
