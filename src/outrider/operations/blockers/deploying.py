"""Another change of the same service that is under way: whose, since when, and how its spec differs from this one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from outrider_ground.errors import RemoteError

from outrider.nomad.read.deployment import TERMINAL
from outrider.operations.answers.blockers import Blocker
from outrider.operations.differences import differences
from outrider.operations.states import DECISIONS
from outrider.operations.stored_specs import readable_spec
from outrider.spec.notation import as_written

if TYPE_CHECKING:
    from outrider.operations.answers.plan import Change as FieldChange
    from outrider.operations.blockers.change import Change
    from outrider.operations.environment import Environment
    from outrider.operations.records import Deployment

MOST_FIELDS: Final = 8


async def deploying_blockers(environment: Environment, change: Change) -> tuple[Blocker, ...]:
    """The deployment of the service that has no verdict yet; one that Nomad has ended stops nobody."""
    for one in await environment.store.deployments.newest(environment.name, change.service):
        if not one.is_final and one.kind not in DECISIONS and not await _is_ended(environment, one):
            return (Blocker("deploying", await _reason(environment, one, change), _lifted_by(one)),)
    return ()


async def _is_ended(environment: Environment, deployment: Deployment) -> bool:
    """Whether Nomad has ended it: a person has failed it, say, and its verdict is being written down."""
    if deployment.nomad_deployment is None:
        return False
    try:
        document, _ = await environment.nomad.deployment(deployment.nomad_deployment)
    except RemoteError:
        return False
    return document.get("Status") in TERMINAL


async def _reason(environment: Environment, deployment: Deployment, change: Change) -> str:
    since = f"{deployment.created_at:%Y-%m-%d %H:%M:%S} UTC"
    state = ", its canary waits" if deployment.state == "waiting" else ""
    said = f"{_what(deployment)} by {deployment.created_by} since {since}, deployment {deployment.id[:8]}{state}"
    differing = await _differing(environment, deployment, change)
    return f"{said}; this one differs from it in {'; '.join(differing)}" if differing else said


def _what(deployment: Deployment) -> str:
    doing = {"scale": f"it is scaled to {deployment.count}", "stop": "it is stopped", "remove": "it is removed"}
    return doing.get(deployment.kind, f"version {deployment.version} is brought up ({deployment.kind})")


async def _differing(environment: Environment, deployment: Deployment, change: Change) -> tuple[str, ...]:
    """The fields in which the two specs differ, theirs first."""
    if change.spec is None or deployment.version is None:
        return ()
    theirs = await environment.store.versions.numbered(environment.name, deployment.service, deployment.version)
    stored, _ = readable_spec(theirs)
    found = differences(stored.document, change.spec.document) if stored else ()
    more = (f"and {len(found) - MOST_FIELDS} more",) if len(found) > MOST_FIELDS else ()
    return (*map(_field, found[:MOST_FIELDS]), *more)


def _field(one: FieldChange) -> str:
    before = as_written(one.before) if one.sign != "+" else "not set"
    after = as_written(one.after) if one.sign != "-" else "not set"
    return f"{one.path}: {before} → {after}"


def _lifted_by(deployment: Deployment) -> str:
    here = f"{deployment.service} -e {deployment.environment}"
    if deployment.state == "waiting":
        return f"whoever may deploy the service: `outrider promote {here}` or `outrider fail {here}`"
    return f"its verdict, or whoever may deploy the service: `outrider fail {here}`"
