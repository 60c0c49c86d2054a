"""Constraints: whether a node's attributes satisfy what a job asks for (pure)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from outrider_embedded.scheduler.documents import Document, fields, rows

_TARGET = re.compile(r"^\$\{(?P<kind>node|attr|meta)\.(?P<name>[^}]+)\}$")
_NODE_FIELDS: dict[str, str] = {
    "unique.id": "ID",
    "unique.name": "Name",
    "datacenter": "Datacenter",
    "class": "NodeClass",
    "pool": "NodePool",
}
_OPERATORS: dict[str, str] = {"==": "=", "is": "=", "not": "!=", "set_contains_all": "set_contains"}


def unmet(constraints: list[Document], node: Document) -> list[str]:
    """The constraints that the node does not satisfy, as Nomad prints them: ``${attr.kernel.name} = plan9``."""
    return [constraint_text(one) for one in constraints if not is_satisfied(one, node)]


def constraint_text(constraint: Document) -> str:
    return f"{constraint['LTarget']} {constraint['Operand']} {constraint['RTarget']}"


def all_constraints(job: Document, group: Document) -> list[Document]:
    """The constraints of the job, the group and its tasks."""
    owners = [job, group, *group["Tasks"]]
    return [constraint for owner in owners for constraint in rows(owner["Constraints"])]


def is_satisfied(constraint: Document, node: Document) -> bool:
    """Whether one constraint holds; an unknown operator holds for no node."""
    asked: str = constraint["Operand"]
    operand = _OPERATORS.get(asked, asked)
    left, right = _value(constraint["LTarget"], node), _value(constraint["RTarget"], node)
    if operand in {"is_set", "is_not_set"}:
        return (left is not None) == (operand == "is_set")
    if operand in {"distinct_hosts", "distinct_property"}:
        return True
    if operand == "!=":
        return left != right
    test = _TESTS.get(operand)
    return test is not None and left is not None and right is not None and test(left, right)


def _value(target: str, node: Document) -> str | None:
    found = _TARGET.match(target)
    if not found:
        return target
    kind, name = found["kind"], found["name"]
    if kind == "attr":
        return node["Attributes"].get(name)
    if kind == "meta":
        return fields(node["Meta"]).get(name)
    return node.get(_NODE_FIELDS.get(name, name))


def _matches_version(version: str, wanted: str) -> bool:
    return all(_matches_bound(version, bound.strip()) for bound in wanted.split(","))


def _matches_bound(version: str, bound: str) -> bool:
    found = re.match(r"(>=|<=|!=|~>|>|<|=)?\s*v?(.+)", bound)
    if not found:
        return False
    operand, wanted = found[1] or "=", found[2]
    mine, theirs = _numbers(version), _numbers(wanted)
    if operand == "~>":
        return mine >= theirs and mine[: max(1, len(theirs) - 1)] == theirs[: max(1, len(theirs) - 1)]
    return _ORDER[operand](_padded(mine), _padded(theirs))


def _numbers(version: str) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", version.split("-", maxsplit=1)[0].split("+", maxsplit=1)[0])]


def _padded(numbers: list[int]) -> list[int]:
    return [*numbers, 0, 0, 0][:3]


def _number_or_text(left: str, right: str) -> tuple[Any, Any]:
    try:
        return float(left), float(right)
    except ValueError:
        return left, right


def _ordered(operand: str) -> Callable[[str, str], bool]:
    return lambda left, right: _ORDER[operand](*_number_or_text(left, right))


def _contains(left: str, right: str) -> bool:
    return {part.strip() for part in right.split(",")} <= {part.strip() for part in left.split(",")}


def _contains_any(left: str, right: str) -> bool:
    return bool({part.strip() for part in right.split(",")} & {part.strip() for part in left.split(",")})


_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda left, right: left == right,
    "!=": lambda left, right: left != right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
}

_TESTS: dict[str, Callable[[str, str], bool]] = {
    "=": lambda left, right: left == right,
    "<": _ordered("<"),
    "<=": _ordered("<="),
    ">": _ordered(">"),
    ">=": _ordered(">="),
    "regexp": lambda left, right: re.search(right, left) is not None,
    "version": _matches_version,
    "semver": _matches_version,
    "set_contains": _contains,
    "set_contains_any": _contains_any,
}
