"""What differs between two bootstraps: in the words of the mesh, and place by place; pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from outrider.documents import listed
from outrider.envoy.outline import document, outline
from outrider.operations.change.structure import structural
from outrider.operations.differences import changed
from outrider.topology import names
from outrider.topology.parts import content_hash

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from outrider.documents import Json
    from outrider.operations.answers.plan import Change

OURS = frozenset({names.BOOTSTRAP_FILE, names.SECRET_BOOTSTRAP_FILE, names.AGENT_FILE})
PLATFORMS = "the platform's"
"""The note on what no field of the spec has changed: a default, a patch, the tracing, or Outrider's own rendering."""


def documents(before: str | None, after: str | None) -> tuple[Json | None, Json | None]:
    """Two bootstraps as jobs carry them (None outside the mesh), as JSON; neither where both are the same."""
    if before == after:
        return None, None
    return document(before) if before else None, document(after) if after else None


def in_words(before: Json | None, after: Json | None, spec: Iterable[Change]) -> tuple[Change, ...]:
    """Knobs, ingress, tracing as both bootstraps have them.

    ``spec`` are the fields of the spec that change: a setting that none of them speaks of is the platform's.
    """
    if before == after:
        return ()
    old, new = (outline(one) if one else {} for one in (before, after))
    stems = {_stem(change.path) for change in spec}
    return tuple(_noted(change, stems) for change in changed(old, new))


def in_places(before: Json | None, after: Json | None) -> tuple[Change, ...]:
    """Every place of the document; all of it is one place where there is one bootstrap only."""
    return tuple(replace(one, path=one.path or "bootstrap") for one in structural(before, after))


def _noted(change: Change, stems: set[str]) -> Change:
    is_stated = _stem(change.path) in stems or change.path.partition(".")[0] in stems
    return change if is_stated else replace(change, note=PLATFORMS)


def _stem(path: str) -> str:
    """``upstreams.payments`` of any of its fields; else the first word."""
    first, _, rest = path.partition(".")
    return f"{first}.{rest.partition('.')[0]}" if first == "upstreams" else first


def without_bootstraps(job: Json) -> Json:
    """The job as one compares it: long texts that nobody reads there, as the bootstrap and the agent, by their hash."""
    return with_templates(job, _hashed)


def with_templates(job: Json, changed: Callable[[Json], Json]) -> Json:
    """The job with each template of its tasks changed."""
    return {**job, "TaskGroups": [_group(group, changed) for group in job["TaskGroups"]]}


def _group(group: Json, changed: Callable[[Json], Json]) -> Json:
    return {**group, "Tasks": [_task(task, changed) for task in group["Tasks"]]}


def _task(task: Json, changed: Callable[[Json], Json]) -> Json:
    templates = [changed(one) for one in listed(task, "Templates")]
    return {**task, "Templates": templates} if templates else task


def _hashed(template: Json) -> Json:
    text = str(template.get("EmbeddedTmpl") or "")
    is_ours = str(template.get("DestPath")) in OURS
    named = {"name": template.get("DestPath"), **template}
    return named | {"EmbeddedTmpl": f"({len(text)} characters, {content_hash(text)})"} if is_ours else named
