"""Passwords that are made once and kept where the job that reads them may read them by itself: in Nomad's variables, or in Vault."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Protocol

from outrider_ground.errors import ConflictError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from outrider.operations.environment import Environment
    from outrider.operations.nomad_port import NomadVariables
    from outrider.operations.ports import Secrets
    from outrider.spec.password_place import PasswordPlace

BYTES = 24
TRIES = 5


class Keeper(Protocol):
    """Where items are kept by paths, each path with an index by which a change is told; 0 is that of nothing."""

    async def items(self, path: str) -> tuple[Mapping[str, str], int]: ...
    async def keep(self, path: str, items: Mapping[str, str], index: int) -> None:
        """ConflictError where the index is another one by now; no items: nothing is left there."""
        ...


class InNomad:
    """Variables."""

    def __init__(self, nomad: NomadVariables) -> None:
        self._nomad = nomad

    async def items(self, path: str) -> tuple[Mapping[str, str], int]:
        """Those of the variable."""
        found = await self._nomad.variable(path) or {}
        return dict(found.get("Items") or {}), int(found.get("ModifyIndex") or 0)

    async def keep(self, path: str, items: Mapping[str, str], index: int) -> None:
        """Nomad takes no variable without items."""
        await (self._nomad.put_variable(path, items, index) if items else self._nomad.delete_variable(path, index))


class InVault:
    """Secrets of a version 2 store."""

    def __init__(self, vault: Secrets) -> None:
        self._vault = vault

    async def items(self, path: str) -> tuple[Mapping[str, str], int]:
        """Those of the secret's newest version."""
        return await self._vault.fields(path)

    async def keep(self, path: str, items: Mapping[str, str], index: int) -> None:
        """A secret that nothing is left of goes with all its versions."""
        await (self._vault.put_fields(path, items, index) if items else self._vault.delete_secret(path))


async def password(environment: Environment, place: PasswordPlace) -> str:
    """The one that is kept there; made where there is none. RemoteError where the server refuses."""
    return await _changed(environment, place, secrets.token_hex(BYTES), is_new=True)


async def kept(environment: Environment, place: PasswordPlace, value: str) -> None:
    """Keep the value there, beside whatever else is."""
    await _changed(environment, place, value)


async def is_kept(environment: Environment, place: PasswordPlace) -> bool:
    """Whether there is one."""
    items, _ = await _keeper(environment, place).items(place.path)
    return place.key in items


async def forgotten(environment: Environment, place: PasswordPlace) -> bool:
    """Whether there was one, which is gone now; whatever else lies beside it stays."""
    keeper = _keeper(environment, place)
    for _ in range(TRIES):
        items, index = await keeper.items(place.path)
        if place.key not in items:
            return False
        try:
            await keeper.keep(place.path, {key: one for key, one in items.items() if key != place.key}, index)
        except ConflictError:
            continue
        return True
    raise _restless(place)


async def _changed(environment: Environment, place: PasswordPlace, value: str, *, is_new: bool = False) -> str:
    keeper = _keeper(environment, place)
    for _ in range(TRIES):
        items, index = await keeper.items(place.path)
        if items.get(place.key) == value or (is_new and items.get(place.key)):
            return items[place.key]
        try:
            await keeper.keep(place.path, {**items, place.key: value}, index)
        except ConflictError:
            continue
        return value
    raise _restless(place)


def _keeper(environment: Environment, place: PasswordPlace) -> Keeper:
    if place.vault is None:
        return InNomad(environment.nomad)
    if environment.vault is None:
        raise UsageError(
            f"passwords of add-ons in {environment.name} are kept in Vault ({place.path}), and this portal knows none",
            next_step="Start the portal with VAULT_ADDR and VAULT_TOKEN, or leave `vault.addons` out of the platform file.",
        )
    return InVault(environment.vault)


def _restless(place: PasswordPlace) -> ConflictError:
    return ConflictError(f"{place.words} changes all the time", next_step="Try again.")
