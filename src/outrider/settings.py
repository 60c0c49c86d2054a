"""The environment's variables and the context file, read once into frozen data: no other module looks at them.

Precedence: flag > environment > context file > default. A value whose origin a person may ask for is `Sourced`.
Names and meanings of NOMAD_*, CONSUL_* and VAULT_* are those of the tools that define them.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs
from outrider_ground.settings import allowed_hosts

from outrider.context_file import context_of

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_ADDRESS = "http://127.0.0.1:7070"
DEFAULT_PORT = 7070
TRUE_WORDS = frozenset({"1", "t", "true", "y", "yes", "on"})


@dataclass(frozen=True, slots=True)
class Sourced:
    """A value and where it comes from, in words for a person: ``OUTRIDER_ADDR``, ``--addr``, a file, ``default``."""

    value: str
    source: str

    @property
    def is_blank(self) -> bool:
        """Set, and yet nothing to be seen: a mistake where it is a secret."""
        return not any(sign.isprintable() and not sign.isspace() for sign in self.value)

    def __str__(self) -> str:
        return self.value


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


@dataclass(frozen=True, slots=True)
class Terminal:
    """What the person's terminal was said to be able to do."""

    is_colour_refused: bool = False
    is_colour_forced: bool = False
    is_dumb: bool = False


@dataclass(frozen=True, slots=True)
class PipelineSettings:
    """What a CI system says of the run that this process belongs to: addresses as it says them, with what they hold."""

    repository: str | None = None
    commit: str | None = None
    run: str | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """All of it; `platform`, `database`, `artifacts`, `s3` and `data_directory` matter to the portal, the first four to its clients.

    `registries` is the file with credentials for registries of images, as `docker login` writes it.
    """

    address: Sourced = Sourced(DEFAULT_ADDRESS, "default")
    token: Sourced | None = field(default=None, repr=False)
    environment: Sourced | None = None
    user: str = "anonymous"
    terminal: Terminal = Terminal()
    nomad: NomadSettings = NomadSettings()
    consul: ConsulSettings = ConsulSettings()
    vault: VaultSettings = VaultSettings()
    platform: Sourced | None = None
    database: str | None = None
    artifacts: str | None = None
    s3: S3Settings = S3Settings()
    data_directory: Path = Path()
    envoy: Sourced | None = None
    hosts: tuple[str, ...] = ()
    registries: Path | None = None
    pipeline: PipelineSettings = PipelineSettings()


def settings(environ: Mapping[str, str] | None = None, context_file: Path | None = None) -> Settings:
    """The settings of this process; `environ` and `context_file` stand in for os.environ and the person's own file."""
    environ = os.environ if environ is None else environ
    context_file = context_file or platformdirs.user_config_path("outrider") / "context.toml"
    context = context_of(context_file)
    return Settings(
        address=_sourced(environ, "OUTRIDER_ADDR", context, "address", context_file) or Settings().address,
        token=_token(environ, context, context_file),
        environment=_sourced(environ, "OUTRIDER_ENVIRONMENT", context, "environment", context_file),
        user=next(filter(None, (_text(environ, name) for name in ("OUTRIDER_USER", "LOGNAME", "USER"))), "anonymous"),
        terminal=_terminal(environ),
        nomad=_nomad(environ),
        consul=_consul(environ),
        vault=_vault(environ),
        platform=_sourced(environ, "OUTRIDER_PLATFORM", context, "platform", context_file),
        database=_text(environ, "OUTRIDER_DATABASE"),
        artifacts=_text(environ, "OUTRIDER_ARTIFACTS"),
        s3=_s3(environ),
        data_directory=platformdirs.user_data_path("outrider"),
        envoy=_sourced(environ, "ENVOY_BIN", context, "envoy", context_file),
        hosts=allowed_hosts(environ),
        registries=_registries(environ),
        pipeline=_pipeline(environ),
    )


def _registries(environ: Mapping[str, str]) -> Path | None:
    """https://docs.docker.com/reference/cli/docker/: the folder is DOCKER_CONFIG, else .docker below HOME."""
    folder, home = _text(environ, "DOCKER_CONFIG"), _text(environ, "HOME")
    if folder:
        return Path(folder) / "config.json"
    return Path(home) / ".docker" / "config.json" if home else None


def with_flags(found: Settings, *, address: str | None, token: str | None, environment: str | None) -> Settings:
    """The same settings where flags of a command line win over what was found."""
    return replace(
        found,
        address=Sourced(address, "--addr") if address else found.address,
        token=Sourced(token.strip(), "--token") if token is not None else found.token,
        environment=Sourced(environment, "--environment") if environment else found.environment,
    )


def _terminal(environ: Mapping[str, str]) -> Terminal:
    """https://no-color.org: any value but the empty one; https://bixense.com/clicolors: anything but 0."""
    return Terminal(
        is_colour_refused=bool(environ.get("NO_COLOR")) or bool(environ.get("NOMAD_CLI_NO_COLOR")),
        is_colour_forced=environ.get("CLICOLOR_FORCE", "0") not in {"", "0"},
        is_dumb=environ.get("TERM") == "dumb",
    )


def _nomad(environ: Mapping[str, str]) -> NomadSettings:
    names = ("ADDR", "TOKEN", "NAMESPACE", "REGION", "HTTP_AUTH")
    tls = _tls(environ, "NOMAD", is_verified=not _is_true(environ, "NOMAD_SKIP_VERIFY"))
    return NomadSettings(*(_text(environ, f"NOMAD_{name}") for name in names), tls=tls)


def _consul(environ: Mapping[str, str]) -> ConsulSettings:
    return ConsulSettings(
        address=_text(environ, "CONSUL_HTTP_ADDR"),
        token=_text(environ, "CONSUL_HTTP_TOKEN"),
        token_file=_text(environ, "CONSUL_HTTP_TOKEN_FILE"),
        namespace=_text(environ, "CONSUL_NAMESPACE"),
        http_auth=_text(environ, "CONSUL_HTTP_AUTH"),
        is_tls=_is_true(environ, "CONSUL_HTTP_SSL"),
        tls=_tls(environ, "CONSUL", is_verified=_is_true(environ, "CONSUL_HTTP_SSL_VERIFY", default=True)),
    )


def _vault(environ: Mapping[str, str]) -> VaultSettings:
    address, token, namespace = (_text(environ, f"VAULT_{name}") for name in ("ADDR", "TOKEN", "NAMESPACE"))
    verified = not _is_true(environ, "VAULT_SKIP_VERIFY")
    return VaultSettings(address, token, namespace, _tls(environ, "VAULT", is_verified=verified))


def _s3(environ: Mapping[str, str]) -> S3Settings:
    """AWS_REGION stands before AWS_DEFAULT_REGION, and the address of S3 alone before that of all services, as with AWS's tools."""
    return S3Settings(
        access_key=_text(environ, "AWS_ACCESS_KEY_ID"),
        secret_key=_text(environ, "AWS_SECRET_ACCESS_KEY"),
        session_token=_text(environ, "AWS_SESSION_TOKEN"),
        region=_text(environ, "AWS_REGION") or _text(environ, "AWS_DEFAULT_REGION"),
        endpoint=_text(environ, "AWS_ENDPOINT_URL_S3") or _text(environ, "AWS_ENDPOINT_URL"),
    )


def _tls(environ: Mapping[str, str], of: str, *, is_verified: bool) -> Tls:
    """The names that all tools of HashiCorp share."""
    names = ("CACERT", "CAPATH", "CLIENT_CERT", "CLIENT_KEY", "TLS_SERVER_NAME")
    return Tls(*(_text(environ, f"{of}_{name}") for name in names), is_verified=is_verified)


def _pipeline(environ: Mapping[str, str]) -> PipelineSettings:
    """Of any CI system by OUTRIDER_REPOSITORY, OUTRIDER_COMMIT and OUTRIDER_RUN; of GitHub, GitLab and Jenkins by their own."""
    server, name = _text(environ, "GITHUB_SERVER_URL"), _text(environ, "GITHUB_REPOSITORY")
    github = f"{server}/{name}" if server and name else None
    run = _text(environ, "GITHUB_RUN_ID")
    return PipelineSettings(
        repository=_first(environ, "OUTRIDER_REPOSITORY") or github or _first(environ, "CI_PROJECT_URL", "GIT_URL"),
        commit=_first(environ, "OUTRIDER_COMMIT", "GITHUB_SHA", "CI_COMMIT_SHA", "GIT_COMMIT"),
        run=_first(environ, "OUTRIDER_RUN")
        or (f"{github}/actions/runs/{run}" if github and run else None)
        or _first(environ, "CI_JOB_URL", "CI_PIPELINE_URL", "BUILD_URL"),
    )


def _first(environ: Mapping[str, str], *variables: str) -> str | None:
    return next(filter(None, (_text(environ, name) for name in variables)), None)


def _text(environ: Mapping[str, str], name: str) -> str | None:
    """An empty variable counts as one that is not set, as it does for Nomad and Consul."""
    return environ.get(name, "").strip() or None


def _is_true(environ: Mapping[str, str], name: str, *, default: bool = False) -> bool:
    value = _text(environ, name)
    return default if value is None else value.lower() in TRUE_WORDS


def _token(environ: Mapping[str, str], context: Mapping[str, str], file: Path) -> Sourced | None:
    """A token that is set but blank stays one: who asks for it or sends it has to say so, not to go without."""
    for value, source in ((environ.get("OUTRIDER_TOKEN"), "OUTRIDER_TOKEN"), (context.get("token"), str(file))):
        if value is not None:
            return Sourced(value.strip(), source)
    return None


def _sourced(environ: Mapping[str, str], name: str, context: Mapping[str, str], key: str, file: Path) -> Sourced | None:
    if value := _text(environ, name):
        return Sourced(value, name)
    return Sourced(context[key], str(file)) if key in context else None
