"""What the portal's answers look like on a terminal; answers in, lines out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import click

from outrider.cli.arguments import short
from outrider.cli.comparison import comparison
from outrider.cli.output import state, table
from outrider.cli.outside import older_lines, older_summary, outside_lines, outside_summary
from outrider.cli.printable import one_line
from outrider.cli.times import moment
from outrider.cli.value_lines import pending_lines
from outrider.consul.instances import Instance
from outrider.nomad.read.allocations import Allocation, Task
from outrider.operations.answers.endpoints import Endpoints
from outrider.operations.answers.graph import TrafficGraph
from outrider.operations.answers.lists import Release
from outrider.operations.answers.status import Status
from outrider.operations.records import Deployment
from outrider.operations.signs import progress
from outrider.spec.notation import knobs_written
from outrider.spec.upstream import Upstream

UNKNOWN = "unknown"
LONGEST = 80
HEALTH: dict[bool | None, str] = {True: "yes", False: "unhealthy"}


def services(found: Sequence[Status], *, with_stopped: bool = False) -> list[str]:
    """The services by environment and name, below them how many are stopped and which servers did not answer."""
    if not found:
        return ["No services yet. Deploy one: outrider run outrider.yaml -e ENVIRONMENT"]
    shown = [one for one in found if with_stopped or one.state != "stopped" or one.changes]
    ordered = sorted(shown, key=lambda one: (one.environment, one.service))
    stopped = len(found) - len(shown)
    outside = [*outside_summary(ordered), *older_summary(ordered), *_changed_values(ordered)]
    problems = dict.fromkeys(f"! {one_line(one.problem)}" for one in ordered if one.problem)
    rows = table(
        ("ENVIRONMENT", "SERVICE", "STATE", "HEALTHY", "VERSION", "TEAM"),
        [(one.environment, one.service, one.state, _healthy(one), one.version, one.team) for one in ordered],
    )
    hidden = [f"{stopped} stopped: outrider status --all"] if stopped else []
    return [*(rows if ordered else []), *outside, *list(problems)[:3], *hidden]


def _changed_values(found: Sequence[Status]) -> Iterator[str]:
    for one in found:
        if one.values and one.values.pending:
            here = f"{one.service} -e {one.environment}"
            yield f"! {one.service} in {one.environment} runs with values that have changed: outrider values {here}"


def service(found: Status) -> Iterator[str]:
    """One service with its allocations."""
    yield click.style(f"{found.service} in {found.environment}", bold=True)
    yield f"state    {state(found.state)}"
    yield f"version  {found.version or '-'} ({found.hash or 'no hash'})"
    yield from outside_lines(found)
    yield from older_lines(found)
    yield f"healthy  {_healthy(found)}"
    yield from _deployment_line(found.deployment)
    yield from (pending_lines(found.values) if found.values else ())
    yield from (f"{name:<9}{one_line(url)}" for name, url in found.links.items())
    yield ""
    yield from _allocations(found.allocations)
    yield from _reasons(found.allocations)
    yield from _instances(found.instances)
    yield from _upstreams(found.upstreams)
    yield from (f"\n! {text}" for text in (found.problem,) if text)


def releases(found: Sequence[Release]) -> Iterator[str]:
    """All changes, newest first; below them what stands behind a mark: what was overridden, and rejected versions."""
    heads = ("RELEASE", "WHEN", "CHANGE", "VERSION", "BY", "OUTCOME", "DEPLOYMENT", "WHY")
    yield from table(heads, [_release(one) for one in found])
    for one in found:
        yield from (
            f"! {one.number} went past {past.name}: {one_line(past.blocked)}" for past in one.overrides if past.blocked
        )
    rejected = {one.version: one.rejected for one in found if one.rejected}
    yield from (f"! version {number} is rejected: {one_line(why)}" for number, why in sorted(rejected.items()))


def _release(one: Release) -> tuple[object, ...]:
    changed = f"{one.kind} to {one.count}" if one.kind == "scale" else one.kind
    changed += f" ({one.from_environment} {one.from_version})" if one.from_environment else ""
    version = f"{one.version} (rejected)" if one.rejected else one.version
    outcome = progress(one.state).replace("_", " ")
    why = "; ".join(part for part in (one.cause, "" if one.state == "successful" else _first(one.reason)) if part)
    return one.number, moment(one.at), changed, version, one.by, outcome, short(one.deployment), why


def _progress(deployment: Deployment) -> str:
    return progress(deployment.state).replace("_", " ")


def endpoints(found: Endpoints) -> Iterator[str]:
    """Per upstream and address: what each of the three knows."""
    rows = comparison(found)
    if rows:
        yield from table(("UPSTREAM", "ADDRESS", "CONSUL", "AGENT", "ENVOY", "SEEN BY"), [one.values() for one in rows])
    else:
        yield f"{found.service} calls nobody inside Consul."
    yield from (f"! {one_line(text)}" for text in found.problems)
    yield from (
        f"! {one_line(one.address or one.instance)}: {one_line(one.problem)}" for one in found.sidecars if one.problem
    )


def graph(found: TrafficGraph) -> list[str]:
    """Edges with what was measured on them; a declared edge without traffic has dashes."""
    said = [f"! {found.problem}"] if found.problem else []
    if not found.edges:
        return ["No edges: no service names an upstream.", *said]
    rows = [
        (
            one.source,
            "→",
            one.target,
            one.protocol,
            _number(one.requests_per_second, "{:.1f}"),
            _number(one.error_share, "{:.2%}"),
            _number(one.p50_ms, "{:.1f}"),
            _number(one.p99_ms, "{:.1f}"),
        )
        for one in found.edges
    ]
    return [*table(("SOURCE", "", "TARGET", "PROTOCOL", "REQ/S", "ERRORS", "P50 MS", "P99 MS"), rows), *said]


def _allocations(found: Sequence[Allocation]) -> list[str]:
    if not found:
        return ["No allocations."]
    return table(
        ("ALLOCATION", "NODE", "STATUS", "HEALTHY", "TASKS", ""),
        [
            (
                short(one.id),
                one.node,
                one.status,
                HEALTH.get(one.healthy, "not yet"),
                _tasks(one.tasks),
                "canary" if one.canary else " ",
            )
            for one in found
        ],
    )


def _tasks(tasks: Sequence[Task]) -> str:
    """Tasks that are not simply running, and restarts: what one looks for."""
    words = [f"{one.name} {_task(one)}" for one in tasks if _task(one)]
    return ", ".join(words) or ("all running" if tasks else "")


def _reasons(found: Sequence[Allocation]) -> Iterator[str]:
    """What keeps tasks from running, as far as Nomad says it: a line each, since it may be long."""
    for one in found:
        for task in one.tasks:
            if task.reason and _task(task):
                yield f"! {short(one.id)}: {task.name} {one_line(task.unread or task.reason)}"


def _task(task: Task) -> str:
    if task.failed or task.state == "pending":
        return "failed" if task.failed else "pending"
    return f"restarted {task.restarts} times" if task.restarts else ""


def _instances(found: Sequence[Instance]) -> Iterator[str]:
    if found:
        yield ""
        yield from table(
            ("IN CONSUL", "CHECKS", ""), [(one.address, one.status, "canary" if one.canary else " ") for one in found]
        )


def _upstreams(found: Mapping[str, Upstream]) -> Iterator[str]:
    if found:
        yield ""
        yield from table(("UPSTREAM", "KNOBS"), [(name, knobs_written(one)) for name, one in found.items()])


def _deployment_line(deployment: Deployment | None) -> Iterator[str]:
    if deployment:
        first, *more = deployment.reason.splitlines() or [""]
        said = f"{deployment.kind} {short(deployment.id)} {state(_progress(deployment))}"
        yield f"last     {said}: {first}" if first else f"last     {said}"
        yield from (f"         {text}" for text in more)


def _healthy(found: Status) -> str:
    """``2/3``; a server that did not answer has not said none."""
    return UNKNOWN if found.state == UNKNOWN else f"{found.healthy or 0}/{found.count or 0}"


def _number(value: float | None, form: str) -> str | None:
    return None if value is None else form.format(value)


def _first(text: str) -> str:
    """The first line, and a sign where there is more of it."""
    first = (text.splitlines() or [""])[0]
    return first if len(first) <= LONGEST else f"{first[: LONGEST - 1]}…"
