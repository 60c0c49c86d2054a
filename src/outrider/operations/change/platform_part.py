"""What the platform file says for one environment, as a version remembers it and a plan compares it; no secret stays in it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from outrider.operations.answers.plan import Change, PlatformPart
from outrider.operations.differences import changed, leaves
from outrider.operations.platform_change import in_one_line
from outrider.operations.redaction import SENSITIVE, is_kept_elsewhere, masked
from outrider.operations.values.sighting import fingerprint, shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from outrider.documents import Json
    from outrider.operations.change.comparison import Comparison
    from outrider.operations.environment import Environment
    from outrider.operations.records import Version
    from outrider.spec.platform import Platform
    from outrider.spec.service import Service

PATCHES = "patches"
# What concerns the portal alone: no job and no bootstrap is another one by it.
OF_THE_PORTAL = frozenset({"nomad.address", "consul.address"})
PORTAL_PARTS = frozenset({"prometheus", "release", "on_change", "vault"})
# What concerns services of the mesh alone.
OF_THE_MESH = frozenset({"consul", "sidecar", "tracing", "defaults", PATCHES})
# Called like a secret, and a word: the token itself stands elsewhere.
WORDS = frozenset({"consul.token"})


async def platform_part(environment: Environment) -> Json:
    """By field what the platform file says here today, as ``defaults.timeout``: of a secret, and of each patch, by a fingerprint only."""
    said = dict(_fields(environment.platform, environment.name))
    masks = {path: _masked(path, value) for path, value in said.items()}
    hidden = {path for path in said if masks[path] != said[path] and not is_kept_elsewhere(said[path])}
    key = await environment.store.values.key() if hidden else b""
    return {path: _told(key, path, said[path], masks[path]) if path in hidden else said[path] for path in said}


def changes_for(before: Json, after: Json, service: Service) -> tuple[Change, ...]:
    """The fields that differ and matter to that service; a list is one field."""
    return tuple(_readable(one) for one in changed(before, after) if _matters(one.path, service))


def platform_beside(compared: Comparison, today: Json, environment: Environment) -> PlatformPart | None:
    """What today's platform file says otherwise than that of the version that runs, and whether a deployment brings it; None where none runs."""
    base, sidecar = compared.base, compared.chosen.sidecar
    if base is None or not compared.running.is_live:
        return None
    if base.platform is None:
        return PlatformPart(base.number, is_known=False, is_without_effect=sidecar.running == sidecar.today)
    unsaid = _unsaid(environment, base.platform, today)
    found = changes_for(base.platform, unsaid, compared.rendered.service)
    return PlatformPart(
        base.number, found, is_taken=not compared.chosen.is_kept, is_without_effect=sidecar.running == sidecar.today
    )


async def platform_since(environment: Environment, version: Version, service: Service) -> str:
    """What today's platform file says otherwise than when the version was made, as part of a sentence: "" where nothing does."""
    if version.platform is None:
        return ""
    today = _unsaid(environment, version.platform, await platform_part(environment))
    return in_one_line(changes_for(version.platform, today, service))


def taken_along(part: PlatformPart | None) -> str:
    """That a deployment brings the platform's changes as well: "" where it brings none."""
    if part is None or not part.is_taken or part.is_without_effect or not part.changes:
        return ""
    return f"with what the platform file says since version {part.version}: {in_one_line(part.changes)}"


def _fields(platform: Platform, name: str) -> Iterator[tuple[str, Any]]:
    here = platform.environments[name].model_dump(mode="json")
    patches = here.pop("patches")
    for path, value in leaves(here):
        if path not in OF_THE_PORTAL and path.partition(".")[0] not in PORTAL_PARTS:
            yield path, value
    yield from ((f"{PATCHES}.{patch}", said) for patch, said in patches.items())
    if platform.artifacts:
        yield "artifacts.url", platform.artifacts.url


def _masked(path: str, value: Any) -> Any:
    if path.startswith(f"{PATCHES}."):
        return "content"
    return value if path in WORDS and isinstance(value, str) else masked(value, tuple(path.split(".")))


def _told(key: bytes, path: str, value: Any, mask: Any) -> str:
    text = mask if isinstance(mask, str) else SENSITIVE
    return f"{text} {shown(fingerprint(key, path, json.dumps(value, sort_keys=True).encode()))}"


def _readable(change: Change) -> Change:
    return replace(change, before=_reference(change.before), after=_reference(change.after))


def _reference(value: Any) -> Any:
    return masked(value) if is_kept_elsewhere(value) else value


def _matters(path: str, service: Service) -> bool:
    head, _, rest = path.partition(".")
    if head in OF_THE_MESH and not service.mesh:
        return False
    if head == PATCHES:
        return rest in service.patches
    return {
        "defaults": bool(service.upstreams),
        "volumes": bool(service.volumes),
        "artifacts": getattr(service.run, "directory", None) is not None,
    }.get(head, True)


def _unsaid(environment: Environment, before: Mapping[str, Any], today: Json) -> Json:
    """Today's without the defaults of fields that a newer Outrider has brought: nobody has changed these in the file."""
    written = dict(
        leaves(environment.platform.environments[environment.name].model_dump(mode="json", exclude_unset=True))
    )
    return {
        path: value for path, value in today.items() if path in before or path in written or path == "artifacts.url"
    }
