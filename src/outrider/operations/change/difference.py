"""Comparing two of anything that can be deployed: stored versions, what runs, a file; also of two environments."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from outrider_ground.errors import UsageError

from outrider.nomad.read.job import running
from outrider.operations.answers.difference import DIFF, Difference, Side
from outrider.operations.answers.plan import Raw
from outrider.operations.change.bootstraps import documents, in_places, in_words, without_bootstraps
from outrider.operations.change.documents import RenderContext, Text
from outrider.operations.change.platform_part import changes_for, platform_part
from outrider.operations.change.render import rendered
from outrider.operations.change.structure import structural
from outrider.operations.differences import differences
from outrider.operations.drift import with_count
from outrider.operations.lookups import check_known, running_version, stored_version
from outrider.operations.registered import registered
from outrider.operations.stored_specs import spec_of

if TYPE_CHECKING:
    from outrider.documents import Json
    from outrider.operations.change.documents import Source
    from outrider.operations.environment import Environment
    from outrider.spec.service import Service


@dataclass(frozen=True, slots=True)
class Wanted:
    """One side as a face asks for it: a text, or a version of a service by its number, or (None) the one that runs."""

    environment: str
    service: str = ""
    number: int | None = None
    text: Text | None = None


@dataclass(frozen=True, slots=True)
class Subject:
    """One side as it is asked for: a file's text, else a version of a service, and without a number the one that runs."""

    environment: Environment
    service: str = ""
    number: int | None = None
    source: Source | None = None


@dataclass(frozen=True, slots=True)
class _Compared:
    side: Side
    spec: Json
    bootstrap: str | None
    job: Json
    artifacts: tuple[str, ...]
    service: Service
    platform: Json | None


async def difference(before: Subject, after: Subject) -> Difference:
    """What is another after than before. SpecError, UsageError for what is not known, RemoteError where a server is asked."""
    old, new = await asyncio.gather(_compared(before), _compared(after))
    return await asyncio.to_thread(_difference, *_with_counts(old, new))


def _with_counts(old: _Compared, new: _Compared) -> tuple[_Compared, _Compared]:
    """A count that one side leaves to what runs is no difference."""
    if old.spec.get("count") is not None and new.spec.get("count") is not None:
        return old, new
    blank = [replace(one, spec={**one.spec, "count": None}, job=with_count(one.job, 1)) for one in (old, new)]
    return blank[0], blank[1]


def _difference(old: _Compared, new: _Compared) -> Difference:
    changes = differences(old.spec, new.spec)
    bootstraps = documents(old.bootstrap, new.bootstrap)
    words = in_words(*bootstraps, changes)
    raw = Raw(in_places(*bootstraps), structural(without_bootstraps(old.job), without_bootstraps(new.job)))
    content = _content(old, new)
    platform = (
        () if None in (old.platform, new.platform) else changes_for(old.platform or {}, new.platform or {}, new.service)
    )
    is_one_place = old.side.environment == new.side.environment
    differing: list[Any] = [changes, words, content, *((raw.bootstrap, raw.job) if is_one_place else ())]
    places = len(raw.bootstrap) + len(raw.job)
    return Difference(DIFF, old.side, new.side, not any(differing), changes, words, places, raw, content, platform)


def _content(old: _Compared, new: _Compared) -> str:
    if old.artifacts == new.artifacts:
        return ""
    before, after = (", ".join(one[:12] for one in side.artifacts) or "nothing" for side in (old, new))
    return f"the packed directory: {before} → {after}"


async def _compared(subject: Subject) -> _Compared:
    return await (_of_file(subject, subject.source) if subject.source else _of_version(subject))


async def _of_version(subject: Subject) -> _Compared:
    here, service = subject.environment, subject.service
    now = running(await here.nomad.job(service)) if subject.number is None else None
    version = await (running_version(here, service, now) if now else stored_version(here, service, subject.number or 0))
    if version is None:
        await check_known(here, service)
        raise UsageError(
            f"no version of {service} that this portal knows runs in {here.name}",
            next_step=f"Name one: {service}@{here.name}:NUMBER; `outrider history {service} -e {here.name}` lists them.",
        )
    count = now.count if now else None
    label = f"{service}@{here.name}:{version.number}" + (" (runs)" if now else "")
    side = Side(label, service, here.name, version.number, version.hash)
    stored = spec_of(version)
    document = stored.document | ({} if count is None else {"count": count})
    job = with_count(version.job, count)
    return _Compared(side, document, version.bootstrap, job, version.artifacts, stored.service, version.platform)


async def _of_file(subject: Subject, source: Source) -> _Compared:
    """A file as it would be deployed there."""
    here = subject.environment
    known = await registered(here)
    context = RenderContext(here.platform, here.name, known.protocols, here.agent)
    made = await asyncio.to_thread(rendered, source, context)
    side = Side(f"{source.file} in {here.name}", made.service.service, here.name, None, made.parts.version)
    fetched = (source.directory.sha256,) if source.directory else ()
    platform = await platform_part(here)
    return _Compared(side, made.stored.document, made.template, made.job, fetched, made.service, platform)
