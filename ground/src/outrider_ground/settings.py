"""What a server of ours takes from the environment of its process, and what of it others may inherit."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from outrider_ground.private import is_credential


def allowed_hosts(environ: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """OUTRIDER_HOSTS: further names under which our servers may be asked, with commas or spaces between."""
    found = os.environ if environ is None else environ
    return tuple(found.get("OUTRIDER_HOSTS", "").replace(",", " ").split())


def host_environment(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """What tasks and checks of the embedded cluster inherit: no credentials, and nothing that a scheduler sets itself."""
    found = os.environ if environ is None else environ
    return {name: value for name, value in found.items() if not is_credential(name.upper())}


@dataclass(frozen=True, slots=True)
class VaultAccess:
    """A Vault and the token with which it is asked."""

    address: str
    token: str = field(default="", repr=False)
    namespace: str = ""


def vault_access(environ: Mapping[str, str] | None = None) -> VaultAccess | None:
    """VAULT_ADDR, VAULT_TOKEN and VAULT_NAMESPACE; None where no address is set."""
    found = os.environ if environ is None else environ
    address, token, namespace = (found.get(f"VAULT_{name}", "").strip() for name in ("ADDR", "TOKEN", "NAMESPACE"))
    return VaultAccess(address.rstrip("/"), token, namespace) if address else None
