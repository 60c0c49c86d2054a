"""What a server of ours takes from the environment of its process, and what of it others may inherit."""

from __future__ import annotations

import os
from collections.abc import Mapping

from outrider_ground.private import is_credential


def allowed_hosts(environ: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """OUTRIDER_HOSTS: further names under which our servers may be asked, with commas or spaces between."""
    found = os.environ if environ is None else environ
    return tuple(found.get("OUTRIDER_HOSTS", "").replace(",", " ").split())


def host_environment(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """What tasks and checks of the embedded cluster inherit: no credentials, and nothing that a scheduler sets itself."""
    found = os.environ if environ is None else environ
    return {name: value for name, value in found.items() if not is_credential(name.upper())}
