"""What a template reads of Consul's catalog: services, their instances, and nodes."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from outrider_embedded.template_lookups import Fields, Lookups, MissingSourceError, ReadRecord
from outrider_embedded.template_objects import Texts

_SERVICE = re.compile(
    r"((?P<tag>[\w=:.\-]+)\.)?(?P<name>[\w\-]+)(\?[\w\-=&]+)?(@[\w.\-]+)?(~[\w.\-]+)?(\|(?P<filter>[\w,]+))?", re.ASCII
)
_STATUSES = {"any", "passing", "warning", "critical", "maintenance"}


class CatalogSource:
    """The functions by which templates read the catalog."""

    def __init__(self, lookups: Lookups, record: ReadRecord) -> None:
        self._lookups = lookups
        self._record = record

    def functions(self) -> dict[str, Callable[..., Any]]:
        """By the name that templates call them."""
        return {"service": self._service, "services": self._services, "nodes": self._nodes}

    def _service(self, *words: str) -> list[Mapping[str, Any]]:
        """The instances of ``name`` or ``tag.name`` that pass, or have one of the statuses; a datacenter is not looked at."""
        if not words or not words[0]:
            return []
        said = "|".join(words)
        asked = _SERVICE.fullmatch(said)
        if asked is None:
            raise ValueError(f'health.service: invalid format: "{said}"')
        tag, service, wanted = asked["tag"], asked["name"], set((asked["filter"] or "passing").split(","))
        if unknown := sorted(wanted - _STATUSES):
            raise ValueError(f'health.service: invalid filter: "{unknown[0]}" in "{said}"')
        self._record.note("service", service)
        found = [each for each in self._lookups.instances(service) if not tag or tag in each.get("Tags", ())]
        return [each for each in found if "any" in wanted or each.get("Status", "passing") in wanted]

    def _services(self, *place: str) -> list[Fields]:
        found: Mapping[str, list[str]] = self._listed("services", place)
        return [{"Name": name, "Tags": Texts(sorted(tags))} for name, tags in sorted(found.items())]

    def _nodes(self, *place: str) -> list[Fields]:
        found: list[Fields] = self._listed("nodes", place) or []
        return sorted(found, key=lambda one: one["Node"])

    def _listed(self, what: str, place: tuple[str, ...]) -> Any:
        if any(place):
            raise MissingSourceError("other datacenter", f"{what} {''.join(place)}", "Leave the datacenter out.")
        self._record.note("catalog", what)
        return self._lookups.catalog(what) or {}
