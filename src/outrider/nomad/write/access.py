"""Who may read a rendered file: the user of the task alone, wherever that user's number is known."""

from __future__ import annotations

import re

from outrider.documents import Json
from outrider.spec.drivers import DRIVERS, NOBODY, Driver
from outrider.spec.sidecar import KNOWN_USERS, Sidecar

ONLY_ITS_USER = "0400"
EVERYBODY = "0644"
NUMBER = re.compile(r"([0-9]{1,10})(?::[0-9A-Za-z_-]+)?", re.ASCII)


def of_nomad() -> Json:
    """A file that only Nomad's client reads, which writes it: an environment file."""
    return {"Perms": ONLY_ITS_USER}


def of_everybody() -> Json:
    """A file that anybody on the node may read."""
    return {"Perms": EVERYBODY}


def of_sidecar(sidecar: Sidecar) -> Json:
    """A file of a task beside the app."""
    if not sidecar.private_files:
        return of_everybody()
    return _of_user(sidecar.user if sidecar.uid is None else str(sidecar.uid), sidecar.driver)


def of_app(driver: Driver, *, is_secret: bool) -> Json:
    """A developer's file. In a container the image says who reads it, and an app may change its user: only secrets close."""
    return _of_user(None, driver) if is_secret and not DRIVERS[driver].is_container else of_everybody()


def _of_user(user: str | None, driver: Driver) -> Json:
    """Where nobody is named, whom Nomad chooses (drivers/exec, drivers/java, drivers/rawexec)."""
    chosen = user or DRIVERS[driver].user
    owner = {} if chosen is None else {"Uid": _number(chosen)}
    return {"Perms": ONLY_ITS_USER, **owner}


def _number(user: str) -> int:
    found = NUMBER.fullmatch(KNOWN_USERS.get(user, user))
    return int(found[1]) if found else int(NOBODY)
