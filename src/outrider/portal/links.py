"""Links from the pages to other tools: the platform's templates, filled in for one service or one allocation (pure)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from outrider.portal.wording import safe_url
from outrider.spec.platform import Environment, Platform
from outrider.topology import names
from outrider.topology.statistics import BY_CLASS, CLASS_LABEL, HTTP

PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")
DASHBOARD = "outrider-service"
PROMETHEUS = "Prometheus"

# Name, address or None where something is missing for it, and text.
Link = tuple[str, str | None, str]


@dataclass(frozen=True, slots=True)
class Links:
    """The platform's templates and what they are filled in with; what nobody knows here has no value."""

    templates: Mapping[str, str]
    values: Mapping[str, str]

    def of_service(self, own: Mapping[str, str]) -> list[Link]:
        """Those that name no allocation, then the service's own."""
        found = [self._link(name, template, {}) for name, template in self.templates.items()]
        return [*(one for one in found if "{allocation}" not in one[2]), *_own(own)]

    def of_allocation(self, allocation: str) -> list[Link]:
        """Those that name one."""
        here = {"allocation": allocation}
        named = {name: template for name, template in self.templates.items() if "{allocation}" in template}
        return [self._link(name, template, here) for name, template in named.items()]

    def _link(self, name: str, template: str, more: Mapping[str, str]) -> Link:
        known = {**self.values, **more}
        text = PLACEHOLDER.sub(lambda found: quote(known.get(found[1]) or "", safe="") or found[0], template)
        is_whole = all(known.get(word) for word in PLACEHOLDER.findall(template))
        return name, safe_url(text) if is_whole else None, text


def links(platform: Platform, environment: str, service: str, *, datacenter: str | None, trace: str | None) -> Links:
    """The links of one service; ``datacenter`` is Consul's, ``trace`` the id of the one that somebody asks for."""
    here = platform.environments[environment]
    values = {
        "service": service,
        "environment": environment,
        "dashboard": DASHBOARD,
        "namespace": here.nomad.namespace,
        "region": here.nomad.region,
        "datacenter": datacenter or "",
        "trace": trace or "",
    }
    return Links({**_prometheus(here), **platform.links}, values)


def asks_for_datacenter(platform: Platform) -> bool:
    """Whether any template needs what only Consul knows."""
    return any("{datacenter}" in template for template in platform.links.values())


def _prometheus(here: Environment) -> dict[str, str]:
    """Requests a second by class of status, of the service's instances."""
    if here.prometheus is None:
        return {}
    labels = f'{names.STATS_SERVICE}="SERVICE",{names.STATS_ENVIRONMENT}="ENVIRONMENT"'
    expression = f"sum by ({CLASS_LABEL}) (rate({HTTP.exposed(BY_CLASS)}{{{labels}}}[1m]))"
    query = quote(expression, safe="").replace("SERVICE", "{service}").replace("ENVIRONMENT", "{environment}")
    return {PROMETHEUS: f"{here.prometheus.address.rstrip('/')}/graph?g0.tab=0&g0.expr={query}"}


def _own(links_of_spec: Mapping[str, str]) -> list[Link]:
    return [(name, safe_url(url), url) for name, url in links_of_spec.items()]
