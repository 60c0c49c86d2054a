"""Where a password of an add-on is kept for one job, and how that job's spec reads it there."""

from __future__ import annotations

import re
from dataclasses import dataclass

from outrider.spec.references import Reference

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
BELOW = "addons"


@dataclass(frozen=True, slots=True)
class PasswordPlace:
    """A key of the Nomad variable that a job may read without a policy, or of the Vault secret that is its own.

    ``vault`` is the path of a version 2 store below which each job has its secrets, as ``secret/data/default``; None where
    Nomad's variables keep passwords.
    """

    job: str
    key: str
    vault: str | None = None

    def of_user(self, job: str) -> PasswordPlace:
        """Where a service that uses it reads the same one."""
        return PasswordPlace(job, f"{self.job}_{self.key}", self.vault)

    @property
    def path(self) -> str:
        """Of the variable (nomad, acl.go), or of the secret, which the policy that Nomad's documentation recommends opens to the job."""
        return f"nomad/jobs/{self.job}" if self.vault is None else f"{self.vault}/{self.job}/{BELOW}"

    @property
    def words(self) -> str:
        """For a person."""
        return f"the {'Nomad variable' if self.vault is None else 'Vault secret'} {self.path}"

    @property
    def reference(self) -> Reference:
        """What is kept there, among other items of it."""
        return Reference("nomad_variable" if self.vault is None else "vault", self.path)

    @property
    def written(self) -> str:
        """As a spec refers to it."""
        return f'{{{"nomad_variable" if self.vault is None else "vault"}: "{self.path}#{self.key}"}}'

    @property
    def template(self) -> str:
        """As a template of a file reads it."""
        if self.vault is not None:
            return f'{{{{ with secret "{self.path}" }}}}{{{{ index .Data.data "{self.key}" }}}}{{{{ end }}}}'
        item = f".{self.key}" if NAME.fullmatch(self.key) else f'index . "{self.key}"'
        return f'{{{{ with nomadVar "{self.path}" }}}}{{{{ {item} }}}}{{{{ end }}}}'


def vault_of(path: str, job: str) -> str | None:
    """Below which path of Vault the job's secret lies, if that is one of ours."""
    end = f"/{job}/{BELOW}"
    return path.removesuffix(end) if path.endswith(end) else None
