"""What the portal's documents look like on a terminal; documents in, lines out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import click

from outrider.cli.arguments import short
from outrider.cli.changes import as_written
from outrider.cli.comparison import comparison
from outrider.cli.output import state, table
from outrider.cli.plain import one_line
from outrider.cli.times import moment

Document = Mapping[str, Any]
UNKNOWN = "unknown"
LONGEST = 80
HEALTH: dict[bool | None, str] = {True: "yes", False: "unhealthy"}


def services(found: Sequence[Document], *, with_stopped: bool = False) -> list[str]:
    """The services by environment and name, below them how many are stopped and which servers did not answer."""
    if not found:
        return ["No services yet. Deploy one: outrider run outrider.yaml -e ENVIRONMENT"]
    shown = [one for one in found if with_stopped or one["state"] != "stopped"]
    ordered = sorted(shown, key=lambda entry: (entry["environment"], entry["service"]))
    stopped = len(found) - len(shown)
    outside = [
        f"! {one['service']} in {one['environment']} was changed outside of Outrider"
        for one in ordered
        if one.get("outside")
    ]
    problems = dict.fromkeys(f"! {one_line(one['problem'])}" for one in ordered if one.get("problem"))
    rows = table(
        ("ENVIRONMENT", "SERVICE", "STATE", "HEALTHY", "VERSION", "TEAM"),
        [
            (one["environment"], one["service"], one["state"], _healthy(one), one.get("version"), one.get("team"))
            for one in ordered
        ],
    )
    hidden = [f"{stopped} stopped: outrider status --all"] if stopped else []
    return [*(rows if ordered else []), *outside, *list(problems)[:3], *hidden]


def service(document: Document) -> Iterator[str]:
    """One service with its allocations."""
    yield click.style(f"{document['service']} in {document['environment']}", bold=True)
    yield f"state    {state(document['state'])}"
    yield f"version  {document.get('version') or '-'} ({document.get('hash') or 'no hash'})"
    yield from _outside_lines(document)
    yield f"healthy  {_healthy(document)}"
    yield from _deployment_line(document.get("deployment"))
    links: Document = document.get("links") or {}
    yield from (f"{name:<9}{one_line(url)}" for name, url in links.items())
    yield ""
    yield from _allocations(document.get("allocations") or [])
    yield from _reasons(document.get("allocations") or [])
    yield from _instances(document.get("instances") or [])
    yield from _upstreams(document.get("upstreams") or {})
    yield from (f"\n! {text}" for text in (document.get("problem"),) if text)


def _outside_lines(document: Document) -> Iterator[str]:
    if document.get("outside"):
        places = ", ".join(one_line(place) for place in document["outside"])
        yield click.style(f"changed outside of Outrider: {places}", fg="yellow")
        yield f"         `outrider rollback {document['service']} {document['version']} -e {document['environment']}` undoes it"


def history(versions: Sequence[Document], deployments: Sequence[Document]) -> Iterator[str]:
    """Versions and deployments, newest first."""
    yield from table(
        ("VERSION", "HASH", "CREATED", "BY"),
        [(one["number"], one["hash"], moment(one["created_at"]), one.get("created_by")) for one in versions],
    )
    yield ""
    yield from table(
        ("DEPLOYMENT", "KIND", "VERSION", "STATE", "CREATED", "REASON"),
        [
            (
                short(one["id"]),
                one["kind"],
                one["version"],
                progress(one["state"]),
                moment(one["created_at"]),
                _first(one["reason"]),
            )
            for one in deployments
        ],
    )


def progress(word: str) -> str:
    """A deployment's state, as pages have it: what `running` is for a service is `under way` for a deployment."""
    return "under way" if word == "running" else word.replace("_", " ")


def endpoints(document: Document) -> Iterator[str]:
    """Per upstream and address: what each of the three knows."""
    rows = comparison(document)
    if rows:
        yield from table(("UPSTREAM", "ADDRESS", "CONSUL", "AGENT", "ENVOY", "SEEN BY"), [one.values() for one in rows])
    else:
        yield f"{document['service']} calls nobody inside Consul."
    yield from (f"! {one_line(text)}" for text in document.get("problems") or ())
    unasked = [one for one in document.get("sidecars") or () if one.get("problem")]
    yield from (f"! {one_line(one['address'] or one['instance'])}: {one_line(one['problem'])}" for one in unasked)


def graph(document: Document) -> list[str]:
    """Edges with what was measured on them; a declared edge without traffic has dashes."""
    said = [f"! {document['problem']}"] if document.get("problem") else []
    if not document["edges"]:
        return ["No edges: no service names an upstream.", *said]
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
    return [*table(("SOURCE", "", "TARGET", "PROTOCOL", "REQ/S", "ERRORS", "P50 MS", "P99 MS"), rows), *said]


def _allocations(found: Sequence[Document]) -> list[str]:
    if not found:
        return ["No allocations."]
    return table(
        ("ALLOCATION", "NODE", "STATUS", "HEALTHY", "TASKS", ""),
        [
            (
                short(one["id"]),
                one.get("node"),
                one["status"],
                HEALTH.get(one.get("healthy"), "not yet"),
                _tasks(one.get("tasks") or []),
                "canary" if one.get("canary") else " ",
            )
            for one in found
        ],
    )


def _tasks(tasks: Sequence[Document]) -> str:
    """Tasks that are not simply running, and restarts: what one looks for."""
    words = [f"{one['name']} {_task(one)}" for one in tasks if _task(one)]
    return ", ".join(words) or ("all running" if tasks else "")


def _reasons(found: Sequence[Document]) -> Iterator[str]:
    """What keeps tasks from running, as far as Nomad says it: a line each, since it may be long."""
    for one in found:
        for task in one.get("tasks") or ():
            if task.get("reason") and _task(task):
                yield f"! {short(one['id'])}: {task['name']} {one_line(task.get('unread') or task['reason'])}"


def _task(task: Document) -> str:
    if task.get("failed") or task["state"] == "pending":
        return "failed" if task.get("failed") else "pending"
    return f"restarted {task['restarts']} times" if task.get("restarts") else ""


def _instances(found: Sequence[Document]) -> Iterator[str]:
    if found:
        yield ""
        yield from table(
            ("IN CONSUL", "CHECKS", ""),
            [(one["address"], one["status"], "canary" if one.get("canary") else " ") for one in found],
        )


def _upstreams(found: Mapping[str, Document]) -> Iterator[str]:
    if found:
        yield ""
        yield from table(("UPSTREAM", "KNOBS"), [(name, _knobs(knobs)) for name, knobs in found.items()])


def _deployment_line(deployment: Document | None) -> Iterator[str]:
    if deployment:
        first, *more = (deployment.get("reason") or "").splitlines() or [""]
        said = f"{deployment['kind']} {short(deployment['id'])} {state(progress(deployment['state']))}"
        yield f"last     {said}: {first}" if first else f"last     {said}"
        yield from (f"         {text}" for text in more)


def _knobs(knobs: Document) -> str:
    return ", ".join(
        f"{name} {as_written(name, value)}" for name, value in knobs.items() if value not in (None, False, [], {})
    )


def _healthy(document: Document) -> str:
    """``2/3``; a server that did not answer has not said none."""
    if document["state"] == UNKNOWN:
        return UNKNOWN
    return f"{document.get('healthy') or 0}/{document.get('count') or 0}"


def _number(value: float | None, form: str) -> str | None:
    return None if value is None else form.format(value)


def _first(text: str) -> str:
    """The first line, and a sign where there is more of it."""
    first = (text.splitlines() or [""])[0]
    return first if len(first) <= LONGEST else f"{first[: LONGEST - 1]}…"
