"""Taking away what came from the catalogue: never while somebody uses it, and not without saying what is lost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from outrider_ground.errors import ConflictError, RemoteError, UsageError

from outrider.nomad.read.job import running
from outrider.operations.added import addon_named, addon_of, is_removed, newest_spec, vault_in
from outrider.operations.answers.addons import Removal, User
from outrider.operations.changes import Changes
from outrider.operations.concurrency import in_turns
from outrider.operations.event_details import Warned
from outrider.operations.opening import Order, repeated
from outrider.operations.passwords import forgotten, is_kept
from outrider.operations.registered import registered
from outrider.operations.stored_specs import readable_spec
from outrider.spec.addon import AddOn
from outrider.spec.password_place import PasswordPlace
from outrider.spec.readings import readings

if TYPE_CHECKING:
    from outrider.operations.environment import Environment
    from outrider.operations.principal import Principal
    from outrider.operations.records import Deployment, MergedSpec
    from outrider.operations.registered import Registered
    from outrider.spec.service import Service


@dataclass(frozen=True, slots=True)
class Removals:
    """What one portal can take away. UsageError where there is no such add-on, ConflictError where the name is another's."""

    changes: Changes

    async def proposed(
        self, principal: Principal, environment: str, service: str, addon: str, *, with_passwords: bool
    ) -> Removal:
        """What it would do, and who stands against it; nothing is changed by asking."""
        here = self.changes.environment(principal, environment)
        known = addon_named(self.changes.addons, addon)
        await _check_there(here, service, addon, with_passwords=with_passwords)
        spec = await newest_spec(here, service)
        own = _own(known, service, spec)
        places = await _kept_at(here, await _places(here, own, has_others=with_passwords))
        now = running(await here.nomad.job(service))
        users, stopped = await _users(here, service, own)
        return Removal(
            addon=addon,
            service=service,
            environment=environment,
            count=now.count if now.is_live and now.count else 0,
            users=users,
            stopped_users=stopped,
            volumes=tuple(one.host for one in spec.volumes) if spec else (),
            passwords=tuple(dict.fromkeys(one.words for one in places)),
            with_passwords=with_passwords,
        )

    async def removed(
        self, environment: str, service: str, addon: str, order: Order, *, with_passwords: bool
    ) -> Deployment:
        """Stop it for good and forget its job; its passwords only where that is asked for. ConflictError while somebody uses it."""
        here = self.changes.environment(order.by, environment)
        if (earlier := await repeated(here, order)) is not None:
            return earlier
        known = addon_named(self.changes.addons, addon)
        await _check_there(here, service, addon, with_passwords=with_passwords)
        own = _own(known, service, await newest_spec(here, service))
        users, _ = await _users(here, service, own)
        if users:
            raise _used(here, service, users)
        places = await _places(here, own, has_others=True) if with_passwords else ()
        deployment = await self.changes.remove(environment, service, order)
        if places:
            await _forget(here, deployment, places)
        return deployment


async def _check_there(here: Environment, service: str, addon: str, *, with_passwords: bool) -> None:
    """What is gone already may have left its passwords."""
    found = await addon_of(here, service)
    if found is None or (found and found != addon):
        what = f"the add-on {found}" if found else "no add-on"
        raise ConflictError(
            f"{service} in {here.name} is {what}",
            next_step=f"`outrider remove {found} {service}` takes it away."
            if found
            else f"`outrider stop {service} --purge -e {here.name}` ends a service.",
        )
    if not found or (await is_removed(here, service) and not with_passwords):
        raise UsageError(
            f"there is no {addon} called {service} in {here.name}",
            next_step=f"`outrider status -e {here.name}` lists what is there.",
        )


def _used(here: Environment, service: str, users: tuple[User, ...]) -> ConflictError:
    said = "; ".join(f"{one.service} {one.how}" for one in users)
    steps = ", ".join(f"`outrider disconnect {one.service} {service} -e {here.name}`" for one in users)
    return ConflictError(
        f"{service} is in use: {said}", next_step=f"First {steps}, and take what they read of it out of their `env`."
    )


def _own(addon: AddOn, service: str, spec: Service | None) -> tuple[PasswordPlace, ...]:
    """Where it reads its own passwords."""
    vault = vault_in(spec)
    return tuple(PasswordPlace(service, key, vault) for key in addon.passwords)


async def _users(
    here: Environment, service: str, own: tuple[PasswordPlace, ...]
) -> tuple[tuple[User, ...], tuple[str, ...]]:
    """Those that run and call it, or read its password; and those that are stopped and would call it."""
    known = await registered(here)
    if known.problems:
        raise RemoteError(
            f"who uses {service} is not known: {'; '.join(known.problems)}", next_step="Try again when that is mended."
        )
    callers = known.callers(service)
    users = [User(one, "calls it") for one in callers if one in known.live]
    readers = await _readers(here, known, service, own)
    users += [User(one, "reads its password") for one in readers if one not in callers]
    return tuple(users), tuple(one for one in callers if one not in known.live)


async def _readers(here: Environment, known: Registered, service: str, own: tuple[PasswordPlace, ...]) -> list[str]:
    hashes = {name: known.hashes.get(name) for name in sorted(known.live) if name != service}
    specs = await here.store.versions.merged_specs(here.name, hashes)
    return [name for name in hashes if (spec := specs.get(name)) and _reads(spec, own)]


def _reads(spec: MergedSpec, own: tuple[PasswordPlace, ...]) -> bool:
    """At its place, or at the reader's own, under the name that users have it by."""
    stored = readable_spec(spec)[0]
    if stored is None:
        return False
    paths, items = {one.path for one in own}, {one.of_user(stored.service.service).key for one in own}
    return any(one.reference.path in paths or one.item in items for one in readings(stored.service))


async def _places(here: Environment, own: tuple[PasswordPlace, ...], *, has_others: bool) -> tuple[PasswordPlace, ...]:
    """Where its passwords may lie: its own place, and those of all services, any of which may have been let use it."""
    known = await here.store.versions.services(here.name) if has_others else ()
    return (*own, *(place.of_user(one) for one in known for place in own if one != place.job))


async def _kept_at(here: Environment, places: tuple[PasswordPlace, ...]) -> list[PasswordPlace]:
    """Those of them that hold one."""

    async def asked(place: PasswordPlace) -> bool:
        return await is_kept(here, place)

    return [one for one, there in zip(places, await in_turns(asked, places), strict=True) if there]


async def _forget(here: Environment, deployment: Deployment, places: tuple[PasswordPlace, ...]) -> None:
    async def forget(place: PasswordPlace) -> str | None:
        return place.words if await forgotten(here, place) else None

    try:
        gone = [one for one in await in_turns(forget, places) if one]
    except (RemoteError, UsageError, ConflictError) as error:
        raise RemoteError(
            f"{deployment.service} is being removed, but not all of its passwords are: {error.message}",
            next_step=error.next_step or "Give the same command again: it forgets the rest.",
        ) from error
    said = f"its password is forgotten, in {', '.join(dict.fromkeys(gone))}" if gone else "there was no password of it"
    await here.journal.note(deployment.id, said, Warned())
