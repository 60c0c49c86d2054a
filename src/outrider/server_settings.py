"""What the variables of other servers' own tools say: NOMAD_*, CONSUL_*, VAULT_*, AWS_*."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


TRUE_WORDS = frozenset({"1", "t", "true", "y", "yes", "on"})


@dataclass(frozen=True, slots=True)
class Tls:
    """How to trust a server and to prove who we are to it; paths of PEM files as the variables name them."""

    ca_file: str | None = None
    ca_path: str | None = None
    client_certificate: str | None = None
    client_key: str | None = None
    server_name: str | None = None
    is_verified: bool = True


@dataclass(frozen=True, slots=True)
class NomadSettings:
    """NOMAD_*: credentials for every Nomad that a platform names, and the address for tools without a platform."""

    address: str | None = None
    token: str | None = field(default=None, repr=False)
    namespace: str | None = None
    region: str | None = None
    http_auth: str | None = field(default=None, repr=False)
    tls: Tls = Tls()


@dataclass(frozen=True, slots=True)
class ConsulSettings:
    """CONSUL_*: credentials for every Consul that a platform names."""

    address: str | None = None
    token: str | None = field(default=None, repr=False)
    token_file: str | None = None
    namespace: str | None = None
    http_auth: str | None = field(default=None, repr=False)
    is_tls: bool = False
    tls: Tls = Tls()


@dataclass(frozen=True, slots=True)
class VaultSettings:
    """VAULT_*: the Vault of all environments, as the portal reaches it and with its own rights."""

    address: str | None = None
    token: str | None = field(default=None, repr=False)
    namespace: str | None = None
    tls: Tls = Tls()


@dataclass(frozen=True, slots=True)
class S3Settings:
    """AWS_*: credentials and address of the S3-compatible server that keeps artifacts; without keys those of the machine."""

    access_key: str | None = field(default=None, repr=False)
    secret_key: str | None = field(default=None, repr=False)
    session_token: str | None = field(default=None, repr=False)
    region: str | None = None
    endpoint: str | None = None


def nomad_settings(environ: Mapping[str, str]) -> NomadSettings:
    names = ("ADDR", "TOKEN", "NAMESPACE", "REGION", "HTTP_AUTH")
    tls = _tls(environ, "NOMAD", is_verified=not is_true(environ, "NOMAD_SKIP_VERIFY"))
    return NomadSettings(*(text(environ, f"NOMAD_{name}") for name in names), tls=tls)


def consul_settings(environ: Mapping[str, str]) -> ConsulSettings:
    return ConsulSettings(
        address=text(environ, "CONSUL_HTTP_ADDR"),
        token=text(environ, "CONSUL_HTTP_TOKEN"),
        token_file=text(environ, "CONSUL_HTTP_TOKEN_FILE"),
        namespace=text(environ, "CONSUL_NAMESPACE"),
        http_auth=text(environ, "CONSUL_HTTP_AUTH"),
        is_tls=is_true(environ, "CONSUL_HTTP_SSL"),
        tls=_tls(environ, "CONSUL", is_verified=is_true(environ, "CONSUL_HTTP_SSL_VERIFY", default=True)),
    )


def vault_settings(environ: Mapping[str, str]) -> VaultSettings:
    address, token, namespace = (text(environ, f"VAULT_{name}") for name in ("ADDR", "TOKEN", "NAMESPACE"))
    verified = not is_true(environ, "VAULT_SKIP_VERIFY")
    return VaultSettings(address, token, namespace, _tls(environ, "VAULT", is_verified=verified))


def s3_settings(environ: Mapping[str, str]) -> S3Settings:
    """AWS_REGION stands before AWS_DEFAULT_REGION, and the address of S3 alone before that of all services, as with AWS's tools."""
    return S3Settings(
        access_key=text(environ, "AWS_ACCESS_KEY_ID"),
        secret_key=text(environ, "AWS_SECRET_ACCESS_KEY"),
        session_token=text(environ, "AWS_SESSION_TOKEN"),
        region=text(environ, "AWS_REGION") or text(environ, "AWS_DEFAULT_REGION"),
        endpoint=text(environ, "AWS_ENDPOINT_URL_S3") or text(environ, "AWS_ENDPOINT_URL"),
    )


def _tls(environ: Mapping[str, str], of: str, *, is_verified: bool) -> Tls:
    """The names that all tools of HashiCorp share."""
    names = ("CACERT", "CAPATH", "CLIENT_CERT", "CLIENT_KEY", "TLS_SERVER_NAME")
    return Tls(*(text(environ, f"{of}_{name}") for name in names), is_verified=is_verified)


def text(environ: Mapping[str, str], name: str) -> str | None:
    """An empty variable counts as one that is not set, as it does for Nomad and Consul."""
    return environ.get(name, "").strip() or None


def is_true(environ: Mapping[str, str], name: str, *, default: bool = False) -> bool:
    value = text(environ, name)
    return default if value is None else value.lower() in TRUE_WORDS
