"""A password that Nomad fills in: it stands in the template as a question, never as a value."""

from __future__ import annotations

from outrider.spec.variables import Secret, VaultValue
from outrider.topology.secret import Expression, nomad_expression, vault_expression

SAMPLE = "sample"


def redis_password(secret: Secret) -> Expression:
    """The expression that reads it, and what stands in its place while the bootstrap is validated."""
    text = vault_expression(secret.vault) if isinstance(secret, VaultValue) else nomad_expression(secret.nomad_variable)
    return Expression(text, SAMPLE)
