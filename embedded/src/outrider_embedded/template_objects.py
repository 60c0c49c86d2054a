"""What a template gets from functions and asks for fields and methods: variables of Nomad, instances, the scratch pad."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

Fields = Mapping[str, Any]
_UNSAFE = re.compile(r"[^a-zA-Z0-9_-]")
_WORST = ("passing", "warning", "critical")


class Texts(list[str]):
    """A list of which Go knows that it holds texts only; a list out of JSON may hold anything, and is none."""


class AnyMap(dict[Any, Any]):
    """A map out of YAML, whose keys may be anything: Go does not take it where keys have to be texts."""


class Item(str):
    """An item of a Nomad variable: its value, with ``.Key`` and ``.Value``."""

    __slots__ = ("key",)
    key: str

    @property
    def fields(self) -> Fields:
        return {"Key": self.key, "Value": str(self)}


class Items(dict[str, Item]):
    """The items of a Nomad variable by key; what Go calls methods wins over a key of that name."""

    def __init__(self, variable: Fields) -> None:
        super().__init__({key: _item(key, value) for key, value in variable.get("Items", variable).items()})
        self._variable = variable

    def __missing__(self, key: str) -> Item:
        """Go's map gives an empty item for a key that is not there."""
        return _item("", "")

    @property
    def fields(self) -> Fields:
        pairs = [{"K": key, "V": str(value)} for key, value in sorted(self.items())]
        ordered = {"Keys": Texts(one["K"] for one in pairs), "Values": Texts(one["V"] for one in pairs)}
        metadata = {name: value for name, value in self._variable.items() if name != "Items"}
        items = {"ItemsMap": {one["K"]: one["V"] for one in pairs}}
        return ordered | items | {"Tuples": pairs, "Metadata": metadata, "Parent": {**metadata, "Items": self}}


class Scratch:
    """What a template keeps for its own later parts."""

    def __init__(self) -> None:
        self._kept: dict[str, Any] = {}

    @property
    def fields(self) -> Mapping[str, Callable[..., Any]]:
        return {
            "Key": self._kept.__contains__,
            "Get": self._kept.get,
            "Set": self._set,
            "SetX": self._set_new,
            "MapSet": self._set_inner,
            "MapSetX": self._set_new_inner,
            "MapValues": self._inner_values,
        }

    def _set(self, key: str, value: Any) -> str:
        self._kept[key] = value
        return ""

    def _set_new(self, key: str, value: Any) -> str:
        self._kept.setdefault(key, value)
        return ""

    def _set_inner(self, key: str, inner: str, value: Any) -> str:
        self._kept.setdefault(key, {})[inner] = value
        return ""

    def _set_new_inner(self, key: str, inner: str, value: Any) -> str:
        self._kept.setdefault(key, {}).setdefault(inner, value)
        return ""

    def _inner_values(self, key: str) -> list[Any]:
        """In the order of their keys."""
        return [value for _, value in sorted(self._kept.get(key, {}).items())]


def _item(key: str, value: str) -> Item:
    item = Item(value)
    item.key = key
    return item


def instances(entries: Iterable[Fields]) -> list[dict[str, Any]]:
    """Entries of Consul's health of a service as ``range service`` sees them, in consul-template's order."""
    found = [_instance(one["Node"], one["Service"], one["Checks"]) for one in entries]
    return sorted(found, key=lambda one: (one["Node"], one["ID"]))


def _instance(node: Fields, service: Fields, checks: Iterable[Fields]) -> dict[str, Any]:
    return {
        "Node": node["Node"],
        "NodeID": node["ID"],
        "NodeAddress": node["Address"],
        "NodeMeta": node["Meta"] or {},
        "Address": service["Address"] or node["Address"],
        "ID": service["ID"],
        "Name": service["Service"],
        "Port": service["Port"],
        "Tags": Texts(sorted(service["Tags"] or ())),
        "ServiceMeta": service["Meta"] or {},
        "Weights": service["Weights"],
        "Checks": list(checks),
        "Status": max((check["Status"] for check in checks), key=_badness, default="passing"),
    }


def _badness(status: str) -> int:
    return _WORST.index(status) if status in _WORST else len(_WORST)


def grouping_functions() -> dict[str, Callable[..., Any]]:
    """Of instances, by the name that templates call them."""
    return {"byTag": _by_tag, "byPort": _by_port, "byMeta": _by_meta}


def _by_tag(found: Iterable[Fields] | None) -> dict[str, list[Fields]]:
    groups: dict[str, list[Fields]] = {}
    for one in found or ():
        for tag in one["Tags"]:
            groups.setdefault(tag, []).append(one)
    return groups


def _by_port(found: Iterable[Fields] | None) -> dict[int, list[Fields]]:
    groups: dict[int, list[Fields]] = {}
    for one in found or ():
        groups.setdefault(one["Port"], []).append(one)
    return groups


def _by_meta(keys: str, found: Iterable[Fields]) -> dict[str, list[Fields]]:
    """By the values of these keys of meta, joined; ``key|int`` is filled up with zeros."""
    groups: dict[str, list[Fields]] = {}
    for one in found:
        parts = [_UNSAFE.sub("_", _meta_value(one["ServiceMeta"], key)) for key in keys.split(",")]
        groups.setdefault("_".join(parts), []).append(one)
    return groups


def _meta_value(meta: Fields, said: str) -> str:
    key = said.removesuffix("|int")
    if key == said:
        return meta.get(key) or f"_no_{key}_"
    return f"{int(meta.get(key) or 0):05d}"
