"""What the portal's documents look like on a terminal; documents in, lines out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import click

from outrider.cli.arguments import short
from outrider.cli.output import state, table

Document = Mapping[str, Any]
HEALTH: dict[bool | None, str] = {True: "yes", False: "unhealthy"}


def services(found: Sequence[Document]) -> list[str]:
    """All services, by environment and name."""
    if not found:
        return ["No services yet. Deploy one: outrider run outrider.yaml -e ENVIRONMENT"]
    ordered = sorted(found, key=lambda entry: (entry["environment"], entry["service"]))
    return table(
        ("ENVIRONMENT", "SERVICE", "STATE", "HEALTHY", "VERSION", "TEAM"),
        [
            (one["environment"], one["service"], one["state"], _healthy(one), one.get("version"), one.get("team"))
            for one in ordered
        ],
    )


def service(document: Document) -> Iterator[str]:
    """One service with its allocations."""
    yield click.style(f"{document['service']} in {document['environment']}", bold=True)
    yield f"state    {state(document['state'])}"
    yield f"version  {document.get('version') or '-'} ({document.get('hash') or 'no hash'})"
    yield f"healthy  {_healthy(document)}"
    yield from _deployment_line(document.get("deployment"))
    links: Document = document.get("links") or {}
    yield from (f"{name:<9}{url}" for name, url in links.items())
    yield ""
    yield from _allocations(document.get("allocations") or [])
    yield from _upstreams(document.get("upstreams") or [])


def history(versions: Sequence[Document], deployments: Sequence[Document]) -> Iterator[str]:
    """Versions and deployments, newest first."""
    yield from table(
        ("VERSION", "HASH", "CREATED", "BY"),
        [(one["number"], one["hash"], _time(one["created_at"]), one.get("created_by")) for one in versions],
    )
    yield ""
    yield from table(
        ("DEPLOYMENT", "KIND", "VERSION", "STATE", "CREATED", "REASON"),
        [
            (
                short(one["id"]),
                one["kind"],
                one["version"],
                one["state"],
                _time(one["created_at"]),
                _first(one["reason"]),
            )
            for one in deployments
        ],
    )


def endpoints(document: Document) -> list[str]:
    """Per upstream and address: what each of the three knows."""
    rows = [
        (
            one.get("upstream"),
            one.get("address"),
            one.get("consul"),
            one.get("agent"),
            one.get("envoy"),
            one.get("allocation"),
        )
        for one in document.get("endpoints") or ()
    ]
    return table(("UPSTREAM", "ADDRESS", "CONSUL", "AGENT", "ENVOY", "SEEN BY"), rows)


def graph(document: Document) -> list[str]:
    """Edges with what was measured on them; a declared edge without traffic has dashes."""
    if not document["edges"]:
        return ["No edges: no service names an upstream."]
    rows = [
        (
            one["source"],
            "→",
            one["target"],
            one.get("protocol"),
            _number(one.get("requests_per_second"), "{:.1f}"),
            _number(one.get("error_share"), "{:.2%}"),
            _number(one.get("p50_ms"), "{:.1f}"),
            _number(one.get("p99_ms"), "{:.1f}"),
        )
        for one in document["edges"]
    ]
    return table(("SOURCE", "", "TARGET", "PROTOCOL", "REQ/S", "ERRORS", "P50 MS", "P99 MS"), rows)


def _allocations(found: Sequence[Document]) -> list[str]:
    if not found:
        return ["No allocations."]
    return table(
        ("ALLOCATION", "NODE", "STATUS", "HEALTHY", "VERSION", "ADDRESS", ""),
        [
            (
                short(one["id"]),
                one.get("node"),
                one["status"],
                HEALTH.get(one.get("healthy"), "not yet"),
                one.get("version"),
                one.get("address"),
                "canary" if one.get("canary") else " ",
            )
            for one in found
        ],
    )


def _upstreams(found: Sequence[Document]) -> Iterator[str]:
    if not found:
        return
    yield ""
    yield from table(("UPSTREAM", "KNOBS"), [(one["service"], _knobs(one.get("knobs") or {})) for one in found])


def _deployment_line(deployment: Document | None) -> Iterator[str]:
    if deployment:
        reason = f": {deployment['reason']}" if deployment.get("reason") else ""
        yield f"last     {deployment['kind']} {short(deployment['id'])} {state(deployment['state'])}{reason}"


def _knobs(knobs: Document) -> str:
    return ", ".join(f"{name} {value}" for name, value in knobs.items())


def _healthy(document: Document) -> str:
    return f"{document.get('healthy') or 0}/{document.get('count') or 0}"


def _number(value: float | None, form: str) -> str | None:
    return None if value is None else form.format(value)


def _time(text: str) -> str:
    return text[:19].replace("T", " ")


def _first(text: str) -> str:
    return (text.splitlines() or [""])[0][:80]
