"""What Nomad's plan says: pure reading of its diff and annotations. Values stay there: a job may hold a secret."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outrider.documents import listed, nested, table
from outrider.topology import names

if TYPE_CHECKING:
    from outrider.documents import Json

# A rollback registers a version with another update strategy, and an automatic promotion needs its own: what runs in
# the allocations is the same. How a node is drained changes nothing in them either.
STRATEGIES = frozenset({"Update", "Migrate"})
NUMBERS = {
    "Place": "place",
    "DestructiveUpdate": "destructive",
    "InPlaceUpdate": "in_place",
    "Stop": "stop",
    "Ignore": "ignore",
    "Canary": "canary",
    "Migrate": "migrate",
    "Preemptions": "preempt",
}


def updates(answer: Json) -> dict[str, dict[str, int]]:
    """How many allocations of each group are placed, replaced, changed in place, stopped, kept."""
    groups = table(nested(answer, "Annotations"), "DesiredTGUpdates")
    return {
        group: {word: int(numbers.get(key) or 0) for key, word in NUMBERS.items() if numbers.get(key)}
        for group, numbers in sorted(groups.items())
    }


def is_none(diff: Json | None) -> bool:
    """Whether registering the job would change nothing at all."""
    return not diff or diff.get("Type") == "None"


def places(diff: Json | None) -> tuple[str, ...]:
    """Where the job differs from the one in Nomad, as ``checkout.app.Env[A]``; without the strategies and the attempt."""
    if not diff or is_none(diff):
        return ()
    groups = [place for group in listed(diff, "TaskGroups") for place in _within(group, _inside(group, top=True))]
    return tuple(dict.fromkeys([*_inside(diff), *groups]))


def _within(part: Json, found: list[str]) -> list[str]:
    """A group or task that is there on one side only is one place, whatever it consists of."""
    is_whole = part.get("Type") in {"Added", "Deleted"}
    return [part["Name"]] if is_whole else [f"{part['Name']}.{place}" for place in found]


def _inside(node: Json, *, top: bool = False) -> list[str]:
    """The changed fields of a part of the diff and of the parts in it."""
    fields = [
        field["Name"]
        for field in listed(node, "Fields")
        if field.get("Type") != "None" and field["Name"] != f"Meta[{names.JOB_META_ATTEMPT}]"
    ]
    objects = [
        f"{part['Name']}.{place}"
        for part in listed(node, "Objects")
        if part.get("Type") != "None" and not (top and part["Name"] in STRATEGIES)
        for place in _inside(part) or ["*"]
    ]
    changed = [task for task in listed(node, "Tasks") if task.get("Type") != "None"]
    return [*fields, *objects, *(place for task in changed for place in _within(task, _inside(task) or ["*"]))]
