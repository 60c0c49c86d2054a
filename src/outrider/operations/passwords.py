"""Passwords that are made once and kept in Nomad's variables: each where the job that reads it may read it by itself."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from outrider_ground.errors import ConflictError

if TYPE_CHECKING:
    from outrider.operations.environment import Environment

BYTES = 24
TRIES = 5


def variable_of_job(service: str) -> str:
    """The variable that Nomad opens to a job without any policy (nomad, acl.go)."""
    return f"nomad/jobs/{service}"


async def password(environment: Environment, service: str, key: str) -> str:
    """The one that is kept there; made where there is none. RemoteError where Nomad refuses."""
    return await kept(environment, service, key, secrets.token_hex(BYTES), is_new=True)


async def kept(environment: Environment, service: str, key: str, value: str, *, is_new: bool = False) -> str:
    """The value, kept under the key beside whatever else the variable holds; with ``is_new`` one that is there stays."""
    path = variable_of_job(service)
    for _ in range(TRIES):
        found = await environment.nomad.variable(path) or {}
        items, index = dict(found.get("Items") or {}), int(found.get("ModifyIndex") or 0)
        if items.get(key) == value or (is_new and items.get(key)):
            return items[key]
        try:
            await environment.nomad.put_variable(path, {**items, key: value}, index)
        except ConflictError:
            continue
        return value
    raise ConflictError(f"the variable {path} changes all the time", next_step="Try again.")
