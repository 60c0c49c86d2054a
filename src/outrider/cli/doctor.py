"""The verb `doctor`: what a platform lacks, and where each setting comes from; needs no portal."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from itertools import groupby
from pathlib import Path

import click
from outrider_ground.errors import OutriderError, SpecError, UsageError

from outrider.cli.output import Output
from outrider.cli.process_context import ProcessContext, output_options, process_context
from outrider.cli.source_files import FILE, platform_of
from outrider.clients.consul import ConsulClient, consul_client
from outrider.clients.envoy import envoy_binary
from outrider.clients.nomad import NomadClient, nomad_client
from outrider.clients.portal import portal_client
from outrider.clients.prometheus import PrometheusClient
from outrider.clients.vault import vault_client
from outrider.operations.doctor.findings import Finding, bad, good
from outrider.operations.doctor.platform import Servers, findings
from outrider.operations.doctor.portal import portal_findings, unreached
from outrider.operations.platform_change import platform_hash
from outrider.server_settings import Tls
from outrider.settings import Settings, Sourced
from outrider.spec.consul_access import Consul
from outrider.spec.platform import Environment, Platform

OK, FAILED, WARNINGS = 0, 1, 2
SIGNS = {"ok": ("✓", "green"), "unknown": ("?", "cyan"), "warning": ("!", "yellow"), "failed": ("✗", "red")}


@click.command(short_help="Check a platform's Nomad and Consul: what lacks, why it matters, what to do.")
@click.option(
    "--platform",
    "file",
    type=FILE,
    help="The platform file (OUTRIDER_PLATFORM).",
)
@click.option("--strict", is_flag=True, help="Exit 2 when there are warnings.")
@output_options
def doctor(output: Output, file: Path | None, *, strict: bool) -> int:
    """Look at each environment of the platform file and say what lacks; only asks, changes nothing.

    Where the portal of this platform answers (OUTRIDER_ADDR), it is asked whether it refuses the file, which sidecars are
    older than the file makes them and what others have changed.

    Exits 0 when nothing that can be seen is missing, 1 when something lacks, with --strict 2 on warnings. What nobody can
    see from here is said with a question mark, and counts for neither.
    """
    here = process_context()
    settings = here.settings
    if file is None and settings.platform is None:
        raise UsageError("no platform file", next_step="Name it: --platform FILE, or OUTRIDER_PLATFORM.")
    settings = replace(settings, platform=Sourced(str(file), "--platform") if file else settings.platform)
    path = Path(str(settings.platform))
    platform = _platform(path)
    found = asyncio.run(_findings(replace(here, settings=settings), platform, path))
    document = {"settings": dict(_origins(settings)), "findings": [asdict(finding) for finding in found]}
    output.show(document, lambda _: _lines(settings, found))
    levels = {finding.level for finding in found}
    return FAILED if "failed" in levels else WARNINGS if strict and "warning" in levels else OK


def _platform(file: Path) -> Platform:
    try:
        return platform_of(file)
    except SpecError as error:
        step = "A portal that reads this file goes by the one before until it is mended: `outrider platform`."
        raise SpecError(error.problems, next_step=step) from error


async def _findings(here: ProcessContext, platform: Platform, file: Path) -> list[Finding]:
    clients = {name: _clients(here, environment) for name, environment in platform.environments.items()}
    vault = vault_client(here.settings.vault, transport=here.transport)
    try:
        servers = {name: Servers(*of_environment, vault) for name, of_environment in clients.items()}
        of_servers = await findings(platform, servers)
        return [*of_servers, await _envoy(here.settings), *await _of_portal(here, file)]
    finally:
        for client in (one for of_environment in clients.values() for one in of_environment):
            if isinstance(client, (NomadClient, ConsulClient, PrometheusClient)):
                await client.close()
        if vault is not None:
            await vault.close()


async def _of_portal(here: ProcessContext, file: Path) -> tuple[Finding, ...]:
    """What the portal knows, where there is one."""
    try:
        portal = portal_client(here.settings, here.transport)
        try:
            state, services = await portal.platform(), await portal.services()
        finally:
            await portal.close()
    except OutriderError as error:
        return (unreached(error),)
    content = await asyncio.to_thread(file.read_bytes)
    return portal_findings(here.settings.address.value, platform_hash(content), state, services)


def _clients(
    here: ProcessContext, environment: Environment
) -> tuple[NomadClient, ConsulClient, ConsulClient | OutriderError | None, ConsulClient, PrometheusClient | None]:
    nomad, consul, prometheus = environment.nomad, environment.consul, environment.prometheus
    credentials, transport = here.settings, here.transport
    return (
        nomad_client(
            nomad.address, credentials.nomad, region=nomad.region, namespace=nomad.namespace, transport=transport
        ),
        consul_client(consul.address, credentials.consul, transport=transport),
        _agents_client(here, consul),
        consul_client(consul.address, replace(credentials.consul, token=None, token_file=None), transport=transport),
        PrometheusClient(prometheus.address, transport) if prometheus else None,
    )


def _agents_client(here: ProcessContext, consul: Consul) -> ConsulClient | OutriderError | None:
    """Consul as allocations reach it, with the certificates that the platform gives them and none of the portal's.

    None where those lie in a Nomad variable, which is not read here; an error where a file is of no use here.
    """
    files = consul.tls.model_dump(include={"ca", "certificate", "key"}) if consul.tls else {}
    if any(isinstance(file, dict) for file in files.values()):
        return None
    name = consul.tls.server_name if consul.tls else None
    tls = Tls(files.get("ca"), None, files.get("certificate"), files.get("key"), server_name=name)
    try:
        return consul_client(consul.agent_address, replace(here.settings.consul, tls=tls), transport=here.transport)
    except OutriderError as error:
        return error


async def _envoy(settings: Settings) -> Finding:
    """The portal validates every bootstrap with a real Envoy before it is submitted."""
    try:
        binary = envoy_binary(settings.envoy)
        return good("portal", f"Envoy {await binary.version()} at {binary.path} ({binary.source}) validates bootstraps")
    except OutriderError as error:
        why = "Every bootstrap is validated by a real Envoy before it is submitted."
        return bad("portal", error.message, why, error.next_step or "")


def _lines(settings: Settings, found: Sequence[Finding]) -> Iterator[str]:
    yield click.style("settings", bold=True)
    yield from (f"  {name:<20} {text}" for name, text in _origins(settings))
    for about, findings_about in groupby(found, key=lambda finding: finding.about):
        yield ""
        yield click.style(about, bold=True)
        for finding in findings_about:
            yield from _finding_lines(finding)
    yield ""
    yield _summary(found)


def _finding_lines(finding: Finding) -> Iterator[str]:
    sign, colour = SIGNS[finding.level]
    yield f"  {click.style(sign, fg=colour)} {finding.what}"
    yield from (f"      {text}" for text in (finding.why, finding.next_step and f"→ {finding.next_step}") if text)


def _summary(found: Sequence[Finding]) -> str:
    failed = sum(finding.level == "failed" for finding in found)
    warned = sum(finding.level == "warning" for finding in found)
    if failed:
        return click.style(f"{failed} of {len(found)} checks failed, {warned} warnings.", fg="red", bold=True)
    text = f"Nothing that can be seen from here is missing ({len(found)} checks, {warned} warnings)."
    return click.style(text, fg="green", bold=True)


def _origins(settings: Settings) -> Iterator[tuple[str, str]]:
    """What is set and where it comes from; secrets are only said to be there."""
    yield "platform", f"{settings.platform} (from {settings.platform.source})" if settings.platform else "none"
    yield "Nomad token", "set (NOMAD_TOKEN)" if settings.nomad.token else "not set"
    yield "Nomad CA", settings.nomad.tls.ca_file or settings.nomad.tls.ca_path or "the machine's own"
    yield "Consul token", "set" if settings.consul.token or settings.consul.token_file else "not set"
    yield "Consul CA", settings.consul.tls.ca_file or settings.consul.tls.ca_path or "the machine's own"
    yield "Vault", settings.vault.address or "not set (VAULT_ADDR)"
    unset = "not set (ENVOY_BIN): see portal below"
    yield "Envoy", f"{settings.envoy} (from {settings.envoy.source})" if settings.envoy else unset
