"""What ``envoy --mode validate`` lets pass, and what then takes a part of a sidecar away in silence: doubles in a bootstrap; pure."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

from outrider.documents import listed, nested

if TYPE_CHECKING:
    from collections.abc import Iterator

    from outrider.documents import Json


def clashes(bootstrap: Json) -> tuple[str, ...]:
    """One sentence for each name that two listeners or two clusters share, and for each address that two listeners share.

    Of two static listeners with one name Envoy takes the last (1.40: listener_manager_impl.cc); patches alone can make them.
    """
    resources = nested(bootstrap, "static_resources")
    return (
        *_names(resources, "listeners"),
        *_names(resources, "clusters"),
        *_addresses(listed(resources, "listeners")),
    )


def _names(resources: Json, kind: str) -> Iterator[str]:
    counted = Counter(str(one.get("name", "")) for one in listed(resources, kind))
    yield from (f"{number} {kind} have the name {name!r}" for name, number in counted.items() if number > 1)


def _addresses(listeners: list[Json]) -> Iterator[str]:
    at: dict[str, list[str]] = {}
    for listener in listeners:
        place = json.dumps(listener.get("address"), sort_keys=True)
        at.setdefault(place, []).append(str(listener.get("name", "")))
    for sharing in at.values():
        if len(set(sharing)) > 1:
            yield f"the listeners {' and '.join(sharing)} have the same address"
