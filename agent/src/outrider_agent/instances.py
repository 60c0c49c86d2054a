"""Instances as Consul's health endpoint lists them: one registered address each, with what its checks say."""

from __future__ import annotations

from collections.abc import Sequence

from outrider_agent.documents import Json, list_in, object_in, text_in
from outrider_agent.sockets import AF_INET, AF_INET6, inet_pton

PASSING = "passing"
WARNING = "warning"
CRITICAL = "critical"
MAINTENANCE = "maintenance"  # somebody took it out on purpose, which no guard may undo
SEVERITY = (PASSING, WARNING, CRITICAL, MAINTENANCE)
SEEN = {word: word for word in SEVERITY}  # instances share these words, and keep none of a body's
MAINTENANCE_CHECKS = ("_node_maintenance", "_service_maintenance:")
META_CANARY = "canary"  # as Nomad's canary_meta carries it
META_VERSION = "outrider_version"
LARGEST_PORT = 65535
MOST_NAMES, LONGEST_NAME = 3, 64  # of other services, in a line for people
LARGEST_WEIGHT = 65535  # Consul's own bound; their sum must stay below Envoy's 2**32


class Instance:
    """One registered address: a literal IP and a port, the worst of its checks, its weight and its canary mark."""

    __slots__ = ("address", "health", "is_canary", "port", "version", "weight")

    def __init__(self, address: str, port: int, health: str = PASSING, weight: int = 1) -> None:
        self.address = address
        self.port = port
        self.health = health
        self.weight = weight
        self.is_canary = False
        self.version = ""

    @property
    def identity(self) -> tuple[str, int]:
        return self.address, self.port

    @property
    def is_usable(self) -> bool:
        return self.health in (PASSING, WARNING)


class UnusableInstanceError(ValueError):
    """An instance that Envoy could not take; one such endpoint would make it reject the whole list."""


class Foreign(str):
    """The name of another service whose instance was listed: Consul's names ignore case, those of people do not."""

    __slots__ = ()


def foreign(entry: Json, name: str) -> Foreign | None:
    """Whose instance this is, where it is not one of ``name``; an entry that names nobody is taken for what was asked."""
    found = text_in(object_in(entry.get("Service")).get("Service"))
    return Foreign(found) if found and found != name else None


def instance(entry: Json) -> Instance:
    """The instance in one entry ``{Node, Service, Checks}``; raise UnusableInstanceError without a literal IP and port."""
    service = object_in(entry.get("Service"))
    address = text_in(service.get("Address")) or text_in(object_in(entry.get("Node")).get("Address"))
    port = service.get("Port")
    if not is_literal_ip(address):
        raise UnusableInstanceError(f"its address {address!r} is no literal IP")
    if not isinstance(port, int) or port is True or not 0 < port <= LARGEST_PORT:
        raise UnusableInstanceError(f"its port {port!r} is not from 1 to 65535")
    health = _worst(entry.get("Checks"))
    found = Instance(address, port, health, _weight(object_in(service.get("Weights")), health))
    meta = object_in(service.get("Meta"))
    found.is_canary = meta.get(META_CANARY) == "true" or META_CANARY in list_in(service.get("Tags"))
    found.version = whole_text(text_in(meta.get(META_VERSION)))
    return found


def named(names: Sequence[str]) -> str:
    """The first few of these, each as it may stand in a line of text."""
    shown = [repr(one[:LONGEST_NAME]) for one in names[:MOST_NAMES]]
    return ", ".join([*shown, *(["others"] if len(names) > MOST_NAMES else [])])


def whole_text(text: str) -> str:
    """``text``, or "" where it holds half of a sign (a lone surrogate), at which Envoy rejects the whole update."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return ""
    return text


def is_literal_ip(text: str) -> bool:
    """EDS takes literal addresses only: Envoy rejects the whole update for one hostname."""
    return _parses(AF_INET, text) or _parses(AF_INET6, text)


def _parses(family: int, text: str) -> bool:
    try:
        inet_pton(family, text)
    except (OSError, ValueError):
        return False
    return True


def _worst(checks: object) -> str:
    return max((_status(object_in(check)) for check in list_in(checks)), key=SEVERITY.index, default=PASSING)


def _status(check: dict[str, object]) -> str:
    """An unknown status counts as critical: an instance is not trusted with traffic on a word that we do not know."""
    if text_in(check.get("CheckID")).startswith(MAINTENANCE_CHECKS):
        return MAINTENANCE
    return SEEN.get(text_in(check.get("Status")), CRITICAL)


def _weight(weights: dict[str, object], health: str) -> int:
    """Weight 0 would make Envoy reject the whole list."""
    weight = weights.get("Warning" if health == WARNING else "Passing", 1)
    return min(max(int(weight), 1), LARGEST_WEIGHT) if isinstance(weight, int) else 1
