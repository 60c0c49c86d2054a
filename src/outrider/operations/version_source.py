"""Where a version's spec came from: a file of a repository, or an edit made here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class VersionSource:
    """Where a spec came from: a ``file`` (in a repository where one is known), or an ``edit`` of a stored version.

    ``path`` is the file's, from the root of its repository, else as it lies on the machine; ``has_changes`` says that it was
    not as the commit has it. ``run`` is the page of the CI run. ``edit`` says what was edited, as ``connect payments``.
    """

    kind: Literal["file", "edit"] = "file"
    path: str = ""
    repository: str | None = None
    commit: str | None = None
    has_changes: bool = False
    run: str | None = None
    edit: str = ""

    @property
    def key(self) -> tuple[str, ...] | None:
        """What two versions of one source have in common, whatever commit they are of; None for an edit."""
        return (repository_name(self.repository or ""), self.path) if self.kind == "file" else None


def without_credentials(address: str | None) -> str | None:
    """The address of a repository or a page without a user, a password or a token in it; ``git@host:path`` stays."""
    if address is None or "://" not in address:
        return address
    scheme, _, rest = address.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path.partition('?')[0].partition('#')[0]}"


def repository_name(address: str) -> str:
    """``host/path`` of a repository, however it is reached: by https, by ssh, or as ``git@host:path.git``."""
    _, has_scheme, rest = address.rpartition("://")
    host, slash, path = rest.partition("/" if has_scheme else ":")
    plain = f"{host.rpartition('@')[2].lower()}/{path}" if slash else rest
    return plain.rstrip("/").removesuffix(".git")
