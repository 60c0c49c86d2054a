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
from outrider.server_settings import (
    ConsulSettings,
    NomadSettings,
    S3Settings,
    VaultSettings,
    consul_settings,
    nomad_settings,
    s3_settings,
    text,
    vault_settings,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_ADDRESS = "http://127.0.0.1:7070"
DEFAULT_PORT = 7070


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
    nomad: NomadSettings = field(default_factory=NomadSettings)
    consul: ConsulSettings = field(default_factory=ConsulSettings)
    vault: VaultSettings = field(default_factory=VaultSettings)
    platform: Sourced | None = None
    database: str | None = None
    artifacts: str | None = None
    s3: S3Settings = field(default_factory=S3Settings)
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
        user=next(filter(None, (text(environ, name) for name in ("OUTRIDER_USER", "LOGNAME", "USER"))), "anonymous"),
        terminal=_terminal(environ),
        nomad=nomad_settings(environ),
        consul=consul_settings(environ),
        vault=vault_settings(environ),
        platform=_sourced(environ, "OUTRIDER_PLATFORM", context, "platform", context_file),
        database=text(environ, "OUTRIDER_DATABASE"),
        artifacts=text(environ, "OUTRIDER_ARTIFACTS"),
        s3=s3_settings(environ),
        data_directory=platformdirs.user_data_path("outrider"),
        envoy=_sourced(environ, "ENVOY_BIN", context, "envoy", context_file),
        hosts=allowed_hosts(environ),
        registries=_registries(environ),
        pipeline=_pipeline(environ),
    )


def _registries(environ: Mapping[str, str]) -> Path | None:
    """https://docs.docker.com/reference/cli/docker/: the folder is DOCKER_CONFIG, else .docker below HOME."""
    folder, home = text(environ, "DOCKER_CONFIG"), text(environ, "HOME")
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


def _pipeline(environ: Mapping[str, str]) -> PipelineSettings:
    """Of any CI system by OUTRIDER_REPOSITORY, OUTRIDER_COMMIT and OUTRIDER_RUN; of GitHub, GitLab and Jenkins by their own."""
    server, name = text(environ, "GITHUB_SERVER_URL"), text(environ, "GITHUB_REPOSITORY")
    github = f"{server}/{name}" if server and name else None
    run = text(environ, "GITHUB_RUN_ID")
    return PipelineSettings(
        repository=_first(environ, "OUTRIDER_REPOSITORY") or github or _first(environ, "CI_PROJECT_URL", "GIT_URL"),
        commit=_first(environ, "OUTRIDER_COMMIT", "GITHUB_SHA", "CI_COMMIT_SHA", "GIT_COMMIT"),
        run=_first(environ, "OUTRIDER_RUN")
        or (f"{github}/actions/runs/{run}" if github and run else None)
        or _first(environ, "CI_JOB_URL", "CI_PIPELINE_URL", "BUILD_URL"),
    )


def _first(environ: Mapping[str, str], *variables: str) -> str | None:
    return next(filter(None, (text(environ, name) for name in variables)), None)


def _token(environ: Mapping[str, str], context: Mapping[str, str], file: Path) -> Sourced | None:
    """A token that is set but blank stays one: who asks for it or sends it has to say so, not to go without."""
    for value, source in ((environ.get("OUTRIDER_TOKEN"), "OUTRIDER_TOKEN"), (context.get("token"), str(file))):
        if value is not None:
            return Sourced(value.strip(), source)
    return None


def _sourced(environ: Mapping[str, str], name: str, context: Mapping[str, str], key: str, file: Path) -> Sourced | None:
    if value := text(environ, name):
        return Sourced(value, name)
    return Sourced(context[key], str(file)) if key in context else None
