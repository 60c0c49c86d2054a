"""What in a packed directory looks like a credential: every node could read it, and every reader of the store."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

HEAD_BYTES = 16_384
MOST_NAMED = 5
NAMES = re.compile(
    r"""(^|/)(
        \.env(\.(?!example$|sample$|template$|dist$)[^/]*)? | \.envrc | \.?_?netrc | \.pgpass | \.my\.cnf | \.htpasswd
        | \.git-credentials | \.pypirc | \.vault-token | \.dockercfg | kubeconfig | [^/]*\.kubeconfig
        | id_(rsa|dsa|ecdsa|ed25519)(_sk)? | \.aws/credentials | \.kube/config | \.docker/config\.json
        | [^/]*\.(p12|pfx|jks|keystore|kdbx|ppk) | (terraform\.tfstate|[^/]*\.tfvars)(\.[^/]*)?
        | \.azure/accessTokens\.json | application_default_credentials\.json | credentials\.json | service-account[^/]*\.json
    )$""",
    re.VERBOSE | re.IGNORECASE,
)
CONTENT = re.compile(
    rb"-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY( BLOCK)?-----|_authToken\s*=\s*\S|\baws_secret_access_key\s*=\s*\S",
)


def credentials_in(paths: Iterable[tuple[str, Path]]) -> tuple[str, ...]:
    """The names among the files of an archive that are those of credentials, or whose content is one."""
    return tuple(name for name, path in paths if not path.is_dir() and (NAMES.search(name) or _holds_one(path)))


def credentials_warning(paths: Iterable[tuple[str, Path]]) -> str | None:
    """One line for a person, or None where there is nothing to warn of."""
    found = credentials_in(paths)
    if not found:
        return None
    more = f" and {len(found) - MOST_NAMED} more" if len(found) > MOST_NAMED else ""
    return f"run.directory holds what looks like credentials: {', '.join(found[:MOST_NAMED])}{more}"


def _holds_one(path: Path) -> bool:
    with path.open("rb") as content:
        return CONTENT.search(content.read(HEAD_BYTES)) is not None
