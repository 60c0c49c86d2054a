"""A spec file that would undo what was changed elsewhere since it was deployed last: which fields, by whom, when."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from outrider.operations.answers.blockers import Blocker
from outrider.operations.differences import differences
from outrider.operations.stored_specs import readable_spec
from outrider.spec.notation import as_written

if TYPE_CHECKING:
    from collections.abc import Sequence

    from outrider.documents import Json
    from outrider.operations.answers.plan import Change as FieldChange
    from outrider.operations.blockers.change import Change
    from outrider.operations.environment import Environment
    from outrider.operations.records import Version, VersionSummary

MOST_VERSIONS: Final = 20
MOST_FIELDS: Final = 6
UPSTREAMS: Final = "upstreams"


async def edited_blockers(environment: Environment, change: Change) -> tuple[Blocker, ...]:
    """One for each later version of another source of which the change would undo something.

    Three sides: what this file's source deployed last, what runs, and what the file says now. A field counts where it was
    changed from the first to the second, and the third has another value than the second.
    """
    if change.kind != "run" or change.spec is None or change.source is None or change.source.key is None:
        return ()
    base = await _base(environment, change)
    if base is None or change.running is None or base >= change.running:
        return ()
    versions = await _versions(environment, change.service, base, change.running)
    documents = [stored.document for one in versions if (stored := readable_spec(one)[0])]
    if len(documents) != len(versions):
        return ()
    undone = undone_fields(documents[0], documents[-1], change.spec.document)
    return tuple(_blocker(environment, one, fields) for one, fields in _by_version(versions, documents, undone))


def undone_fields(base: Json, running: Json, wanted: Json) -> tuple[FieldChange, ...]:
    """What somebody has changed since, and the wanted spec would change once more; the count has an order of its own."""
    overwritten = {one.path for one in differences(running, wanted)}
    return tuple(one for one in differences(base, running) if one.path in overwritten)


async def _base(environment: Environment, change: Change) -> int | None:
    """The version that the file's source brought up last, or that runs and is of it, whatever becomes of it.

    For a source that never did, the last that any file did, or the first.
    """
    done = await environment.store.deployments.newest(environment.name, change.service)
    mine = [
        one.version
        for one in done
        if change.source
        and one.source
        and one.source.key == change.source.key
        and (one.state == "successful" or one.version == change.running)
    ]
    if known := [number for number in mine if number is not None]:
        return max(known)
    found = await environment.store.versions.summaries(environment.name, change.service)
    before = [one for one in found if change.running is not None and one.number <= change.running]
    files = [one.number for one in before if _is_of_a_file(one)]
    return files[0] if files else before[-1].number if before else None


def _is_of_a_file(version: VersionSummary) -> bool:
    """Also one of before sources were known."""
    return version.source is None or version.source.kind == "file"


async def _versions(environment: Environment, service: str, base: int, running: int) -> list[Version]:
    """From the base to the one that runs; of very many those next to it."""
    numbers = [base, *range(max(base + 1, running - MOST_VERSIONS), running + 1)]
    found = [await environment.store.versions.numbered(environment.name, service, number) for number in numbers]
    return [one for one in found if one is not None]


def _by_version(
    versions: Sequence[Version], documents: Sequence[Json], undone: Sequence[FieldChange]
) -> list[tuple[Version, list[FieldChange]]]:
    """The fields by the version that gave each of them the value that runs."""
    left = {one.path: one for one in undone}
    found: list[tuple[Version, list[FieldChange]]] = []
    for at in range(len(versions) - 1, 0, -1):
        here = [one.path for one in differences(documents[at - 1], documents[at]) if one.path in left]
        if here:
            found.append((versions[at], [left.pop(path) for path in here]))
    return found[::-1]


def _blocker(environment: Environment, version: Version, fields: Sequence[FieldChange]) -> Blocker:
    edit = f" ({version.source.edit})" if version.source and version.source.edit else ""
    shown = words(fields)
    more = [f"{len(shown) - MOST_FIELDS} more"] if len(shown) > MOST_FIELDS else []
    said = ", ".join([*shown[:MOST_FIELDS], *more])
    when = ago(version.created_at, datetime.now(UTC))
    return Blocker(
        "edited",
        f"undoes {said}, by {version.created_by}, {when}{edit}",
        f"whoever brings it into the file (`outrider pull {version.service} FILE -e {environment.name}`), or may deploy the service",
    )


def words(fields: Sequence[FieldChange]) -> list[str]:
    """The fields as one speaks of them: ``payments timeout 300ms``; of a new upstream what it says beyond defaults."""
    told = [one for one in fields if one.after is not False or one.before not in (None, False)]
    upstreams = dict.fromkeys(one.path.split(".")[1] for one in fields if one.path.startswith(f"{UPSTREAMS}."))
    named = {one.path.split(".")[1] for one in told if one.path.startswith(f"{UPSTREAMS}.")}
    return [*(name for name in upstreams if name not in named), *(_word(one) for one in told)]


def _word(field: FieldChange) -> str:
    name = (
        field.path.removeprefix(f"{UPSTREAMS}.").replace(".", " ") if field.path.startswith(UPSTREAMS) else field.path
    )
    return f"{name} {as_written(field.after)}" if field.sign != "-" else f"the removal of {name}"


def ago(then: datetime, now: datetime) -> str:
    """``today at 14:03``, ``yesterday``, ``3 days ago``, in days of UTC."""
    days = (now.date() - then.astimezone(UTC).date()).days
    if days <= 0:
        return f"today at {then.astimezone(UTC):%H:%M} UTC"
    return "yesterday" if days == 1 else f"{days} days ago"
