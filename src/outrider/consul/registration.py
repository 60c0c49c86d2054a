"""One registration as a health entry shows it: what does not change while it stands, and how it stood when it was read."""

from __future__ import annotations

from dataclasses import dataclass

from outrider.consul.instances import Instance, instance
from outrider.consul.metrics_address import UntrustedAddressError, instance_name, metrics_address
from outrider.documents import Json, nested
from outrider.topology import names


@dataclass(frozen=True, slots=True)
class Registration:
    """An instance on its node; ``metrics`` is where its sidecar is scraped, empty where it names none.

    ``untrusted`` says why that address is not asked; ``is_ours`` is a registration that bears our tag.
    """

    node: str
    instance: Instance
    metrics: str
    untrusted: str
    is_ours: bool


def registration(entry: Json) -> Registration:
    """The registration of an entry of ``/v1/health/service``."""
    metrics, untrusted = _scraped(entry)
    tags: list[str] = nested(entry, "Service").get("Tags") or []
    return Registration(
        str(nested(entry, "Node").get("Node", "")), instance(entry), metrics, untrusted, names.TAG in tags
    )


def _scraped(entry: Json) -> tuple[str, str]:
    try:
        return metrics_address(entry), ""
    except UntrustedAddressError as error:
        return "", f"({instance_name(entry)}): {error}"
