"""Rules over several keys of one platform file: environments that are one, and programs that a driver cannot run."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

from outrider.spec.drivers import DRIVERS
from outrider.spec.mistakes import Kind, Mistake, Rule
from outrider.spec.platform import Environment, Platform
from outrider.spec.shapes import near_miss
from outrider.spec.sidecar import KNOWN_USERS, Image
from outrider.spec.values import shown

PLACEHOLDERS = ("service", "environment", "dashboard", "allocation", "trace", "namespace", "region", "datacenter")
THIS_MACHINE = "127.0.0.1"
USER = re.compile(r"[0-9]{1,10}(:[0-9A-Za-z_-]+)?", re.ASCII)
PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


def same_place(address: str) -> tuple[str, str, int | None]:
    """What tells two addresses apart: by whichever name a host is written, and with the port that is left out."""
    parts = urlsplit(address)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return same_host(parts.hostname or ""), parts.path.rstrip("/"), port


def same_host(host: str) -> str:
    """One spelling of a host; this machine has many names. What only DNS could tell is left to ``doctor``."""
    plain = host.lower().rstrip(".")
    try:
        address = ipaddress.ip_address(plain)
    except ValueError:
        return THIS_MACHINE if plain == "localhost" or plain.endswith(".localhost") else plain
    address = getattr(address, "ipv4_mapped", None) or address
    return THIS_MACHINE if address.is_loopback or address.is_unspecified else str(address)


def environments_that_are_one(platform: Platform) -> Iterator[Mistake]:
    consul = "has the Consul of {0} too: two environments cannot share a Consul datacenter, their services would meet"
    nomad = "has the Nomad region and namespace of {0} too: jobs of the same name would replace each other"
    yield from repeated(platform, "consul", lambda here: same_place(here.consul.address), consul)
    yield from repeated(
        platform,
        "nomad",
        lambda here: (*same_place(here.nomad.address), here.nomad.region, here.nomad.namespace),
        nomad,
    )


def repeated(
    platform: Platform, key: str, identity: Callable[[Environment], tuple[object, ...]], message: str
) -> Iterator[Mistake]:
    """A finding for each environment whose identity an earlier one has already."""
    first: dict[tuple[object, ...], str] = {}
    for name, environment in platform.environments.items():
        earlier = first.setdefault(identity(environment), name)
        if earlier != name:
            yield Mistake(("environments", name, key, "address"), message.format(earlier))


def programs_of_sidecars(platform: Platform) -> Iterator[Mistake]:
    for name, environment in platform.environments.items():
        sidecar = environment.sidecar
        takes_images = DRIVERS[sidecar.driver].is_container
        for key, program in (("envoy", sidecar.envoy), ("agent", sidecar.agent)):
            if isinstance(program, Image) != takes_images:
                wanted = "an image" if takes_images else "a path, not an image"
                path = ("environments", name, "sidecar", key)
                yield Mistake(path, f"the sidecar's driver is {sidecar.driver}, which needs {wanted}")


def tls_of_agents(platform: Platform) -> Iterator[Mistake]:
    for name, environment in platform.environments.items():
        consul, path = environment.consul, ("environments", name, "consul", "tls")
        if consul.tls is None:
            continue
        if not consul.agent_address.startswith("https://"):
            yield Mistake(path, f"has no effect: agent_address is {consul.agent_address}, without https", of_key=True)
        for one, other in (("certificate", "key"), ("key", "certificate")):
            if getattr(consul.tls, one) and not getattr(consul.tls, other):
                yield Mistake((*path, one), f"goes with {other}: write both, or none", of_key=True)


def users_without_a_number(platform: Platform) -> Iterator[Mistake]:
    for name, environment in platform.environments.items():
        sidecar, user = environment.sidecar, environment.sidecar.user
        is_known = sidecar.uid is not None or not user or user in KNOWN_USERS or USER.fullmatch(user)
        if sidecar.private_files and not is_known:
            message = f"a file can only be given to a number: write that of {shown(user)} as uid (`id -u` on a node), or private_files: false"
            yield Mistake(("environments", name, "sidecar", "user"), message)


def releases_from(platform: Platform) -> Iterator[Mistake]:
    known = tuple(platform.environments)
    for name, environment in platform.environments.items():
        after, path = environment.release.after, ("environments", name, "release", "after")
        if after == name:
            yield Mistake(path, "names itself: a version comes from another environment")
        elif after is not None and after not in known:
            yield Mistake(path, f"names no environment of this platform: {shown(after)}", near_miss(after, known))


def secrets_of_two(platform: Platform) -> Iterator[Mistake]:
    taken: dict[str, str] = {}
    for name, environment in platform.environments.items():
        path = environment.vault.addons if environment.vault else None
        earlier = taken.setdefault(path, name) if path else name
        if earlier != name:
            where = ("environments", name, "vault", "addons")
            yield Mistake(where, f"is that of {earlier} too: services of one name would share their passwords")


def placeholders(platform: Platform) -> Iterator[Mistake]:
    for name, template in platform.links.items():
        for word in PLACEHOLDER.findall(template):
            if word not in PLACEHOLDERS:
                message = f"has the unknown placeholder {{{word}}}; known are {', '.join(PLACEHOLDERS)}"
                yield Mistake(("links", name), message, near_miss(word, PLACEHOLDERS))


PLATFORM = Kind(
    Platform,
    (
        Rule(
            ("environments",),
            environments_that_are_one,
            "Two environments share neither a Consul datacenter nor a Nomad region and namespace.",
        ),
        Rule(
            ("environments",),
            programs_of_sidecars,
            "A sidecar of docker or podman is made of images, of exec or raw_exec of paths or artifacts.",
        ),
        Rule(
            ("environments",),
            tls_of_agents,
            "`consul.tls` needs an `agent_address` with https; `certificate` and `key` go together.",
        ),
        Rule(
            ("environments",),
            users_without_a_number,
            "A sidecar's user is a number, `root` or `nobody`, or has its number in `uid`, unless `private_files` is `false`.",
        ),
        Rule(
            ("environments",),
            releases_from,
            "`release.after` names another environment of the platform.",
        ),
        Rule(
            ("environments",),
            secrets_of_two,
            "Two environments keep no passwords below the same `vault.addons`.",
        ),
        Rule(
            ("links",),
            placeholders,
            "Links know the placeholders `{service}`, `{environment}`, `{dashboard}`, `{allocation}`, `{trace}`, `{namespace}`, `{region}`, `{datacenter}`.",
        ),
    ),
    {
        "environments": {
            "an-environment": {"nomad": {"address": "http://nomad:4646"}, "consul": {"address": "http://consul:8500"}}
        }
    },
)
