"""What a person sees of the demonstration: the shop coming up, what to try, and the proof line by line."""

from __future__ import annotations

import shutil
import sys
import time
from pathlib import Path

import click

from outrider.clients.nomad import nomad_client
from outrider.programs.demonstration.check import Stage, findings
from outrider.programs.demonstration.claims import Claim
from outrider.programs.demonstration.shop import Spec, deploy, has_redis, shop, shop_folder
from outrider.programs.machine import Machine
from outrider.settings import DEFAULT_ADDRESS, Settings

ENVIRONMENT = "production"
WITHOUT_REDIS = "redis-server is not installed: the shop runs without its sessions, and carts are kept in memory."
FIRST_STEPS = (
    ("run -e stage {shop}/inventory.yaml", "a first service"),
    ("status", "what runs, where, in which state"),
)
TRY = (
    ("status", "what runs, where, in which state"),
    (f"graph -e {ENVIRONMENT}", "who calls whom: rates, errors, latencies"),
    (f"endpoints catalog -e {ENVIRONMENT}", "what Consul says, the agents say, the Envoys have"),
    (f"scale catalog 3 -e {ENVIRONMENT}", "one more, without touching those that run"),
    (f"logs customers -e {ENVIRONMENT} --follow", "the load, and what it complains about"),
    ("run -e stage {shop}/inventory.yaml", "a deploy of your own, into the other environment"),
)


def shop_of_this_machine() -> tuple[Spec, ...]:
    """The shop's specs, with Redis where there is one; where there is none, that is said."""
    if not has_redis():
        click.echo(WITHOUT_REDIS, err=True)
    return shop(shop_folder(), with_sessions=has_redis())


async def open_shop(machine: Machine, specs: tuple[Spec, ...]) -> None:
    """Deploy the shop and tell of each service when it is healthy; DeployFailed for the first that is not."""
    begin = time.monotonic()
    click.echo(f"\nDeploying the shop's {len(specs)} services to {ENVIRONMENT}:", err=True)
    async for service in deploy(machine.portal, ENVIRONMENT, specs):
        click.echo(f"  {time.monotonic() - begin:5.1f} s  {service} is healthy", err=True)
    click.echo("Customers are shopping: real requests flow through real Envoys.", err=True)


def what_to_try(machine: Machine, *, with_shop: bool) -> None:
    """Print the commands that show most, as they can be typed in another terminal."""
    address = "" if machine.address == DEFAULT_ADDRESS else f"OUTRIDER_ADDR={machine.address} "
    click.echo(f"\nOpen {machine.address} in a browser, or try in another terminal:")
    for words, purpose in TRY if with_shop else FIRST_STEPS:
        click.echo(f"  {address}{program_as_typed()} {words.format(shop=_shown(shop_folder())):<42} # {purpose}")
    click.echo("\nCtrl-C ends all of it.")


def program_as_typed() -> str:
    """How a person calls this program from where they stand: by its name if PATH has it, else by its path."""
    called = Path(sys.argv[0]).absolute()
    found = shutil.which(called.name)
    return called.name if found and Path(found).absolute() == called else _shown(called)


def _shown(path: Path) -> str:
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


async def is_proven(machine: Machine, specs: tuple[Spec, ...], settings: Settings) -> bool:
    """Whether every finding on the running shop holds; each is printed as soon as it is known."""
    cluster = machine.clusters[ENVIRONMENT]
    nomad = nomad_client(cluster.nomad_address, settings.nomad)
    stage = Stage(ENVIRONMENT, machine.portal, nomad, cluster.directory, specs)
    click.echo("\nProving it:")
    try:
        return all([shown(finding) async for finding in findings(stage)])
    finally:
        await nomad.close()


def shown(finding: Claim) -> bool:
    """Whether the finding holds, after printing it."""
    click.echo(str(finding))
    return finding.holds
